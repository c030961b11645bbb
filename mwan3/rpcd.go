package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
	"mwan3/ubus"
)

// maxArguments is more than any arguments that can come over ubus (UBUS_MAX_MSGLEN).
const maxArguments = 1 << 20

// errPluginUsage tells who is at a shell how rpcd calls us.
var errPluginUsage = errors.New("usage: mwan3 rpcd list, or: mwan3 rpcd call status < arguments")

// rpcd serves the ubus object mwan3: rpcd runs us as its exec plugin /usr/libexec/rpcd/mwan3, once with `list` when it
// starts, then with `call <method>` for each call. So the object is there as long as rpcd is, also when mwan3 is not running.
func (c cli) rpcd(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "list":
		return c.printJSON(signatures())
	case len(args) == 2 && args[0] == "call" && args[1] == "status":
		return c.answer(os.Stdin)
	}
	return errPluginUsage
}

// signatures lists the methods with their arguments; the values stand for their types.
func signatures() ubus.Table {
	var arguments, methods object
	arguments.set("section", "x")
	arguments.set("interface", "x")
	methods.set("status", arguments.Table)
	return methods.Table
}

// answer answers a call of status whose arguments come from in. What cannot be seen is left empty, and told on stderr.
func (c cli) answer(in io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(in, maxArguments))
	if err != nil {
		return fmt.Errorf("read the arguments: %w", err)
	}
	q, err := questionOf(text)
	if err != nil {
		// rpcd has no eye for exit codes, but what is no JSON object it answers with status 2, invalid argument.
		fmt.Fprintln(c.out, err)
		return exitCode(1)
	}
	cfg, faults, configErr := survey.Config() // without one there are no interfaces to show
	r, err := newRouter("mwan3", cfg, faults)
	if err != nil {
		return err
	}
	defer r.close()
	answer, err := q.answer(newView(c.ctx, r))
	return errors.Join(configErr, err, c.printJSON(answer))
}

func (c cli) printJSON(t ubus.Table) error {
	_, err := c.out.Write(append(ubus.AppendJSON(nil, t), '\n'))
	return err
}

// question is what a call of status asks for.
type question struct {
	section string // interfaces, connected or policies; anything else: all three
	iface   string // of the interfaces this one alone; empty: all
}

// questionOf reads the arguments. ubus_rpc_session is who asks, which uhttpd adds for callers from the web.
func questionOf(text []byte) (question, error) {
	args, err := ubus.ParseArguments(text)
	if err != nil {
		return question{}, err
	}
	for _, arg := range args {
		switch arg.Name {
		case "section", "interface", "ubus_rpc_session":
		default:
			return question{}, fmt.Errorf("argument %q: want section or interface", arg.Name)
		}
	}
	return question{args.Text("section"), args.Text("interface")}, nil
}

func (q question) wants(section string) bool {
	switch q.section {
	case "interfaces", "connected", "policies":
		return q.section == section
	}
	return true
}

// answer looks at what is asked for. What fails is empty in the answer.
func (q question) answer(v *view) (ubus.Table, error) {
	var answer object
	var errs []error
	for _, part := range []struct {
		name string
		look func(*view) (ubus.Table, error)
	}{{"interfaces", q.interfaces}, {"connected", connectedTable}, {"policies", policiesTable}} {
		if q.wants(part.name) {
			table, err := part.look(v)
			answer.set(part.name, table)
			errs = append(errs, err)
		}
	}
	return answer.Table, errors.Join(errs...)
}

// interfaces shows the interface sections in the order of the config.
func (q question) interfaces(v *view) (ubus.Table, error) {
	interfaces, err := v.interfaces(q.iface)
	_, running := v.record.Running()
	var shown object
	for _, iface := range interfaces {
		shown.set(iface.section.Name, interfaceTable(iface, running))
	}
	return shown.Table, err
}

// interfaceTable has upstream's fields, then ours: what policies do with the interface, and the figures of the last round.
func interfaceTable(iface interfaceView, running bool) ubus.Table {
	var o object
	o.set("age", iface.age)
	o.set("online", iface.online)
	o.set("offline", iface.offline)
	o.set("uptime", iface.uptime)
	o.set("score", iface.record.Score)
	o.set("lost", iface.record.Lost)
	o.set("turn", iface.record.Turn)
	o.set("status", statusWord(iface, running))
	o.set("enabled", iface.section.Enabled)
	o.set("running", iface.tracking == "active")
	o.set("tracking", iface.tracking)
	o.set("up", iface.up)
	targets := ubus.Array{}
	for _, target := range iface.record.Targets {
		targets = append(targets, targetTable(target))
	}
	o.set("track_ip", targets)
	o.set("routed", iface.state == health.Online)
	o.figures(iface.record.Figures)
	return o.Table
}

// statusWord is what the tracker says. An interface that is used without one is notracking, a word that LuCI and
// Prometheus' collector know; upstream's unknown makes LuCI show a working interface as disabled.
func statusWord(iface interfaceView, running bool) string {
	if running && iface.section.Enabled && iface.tracking == "disabled" {
		return "notracking"
	}
	return string(iface.record.Status)
}

func targetTable(target health.Target) ubus.Table {
	var o object
	o.set("ip", target.Host)
	o.set("status", string(target.Status))
	o.figures(target.Figures)
	return o.Table
}

// connectedTable lists the networks that need no uplink, for each family.
func connectedTable(v *view) (ubus.Table, error) {
	var shown object
	var errs []error
	for _, family := range network.Families {
		networks, err := v.connected(family)
		list := ubus.Array{}
		for _, network := range networks {
			list = append(list, network)
		}
		shown.set(family.String(), list)
		errs = append(errs, err)
	}
	return shown.Table, errors.Join(errs...)
}

// policiesTable shows each family's policies, sorted by name, with their members' shares.
func policiesTable(v *view) (ubus.Table, error) {
	policies, err := v.policies()
	var shown object
	for _, family := range network.Families {
		var list object
		for _, policy := range policies[family] {
			list.set(policy.Name, sharesOf(policy))
		}
		shown.set(family.String(), list.Table)
	}
	return shown.Table, err
}

func sharesOf(policy plan.PolicyView) ubus.Array {
	shares := ubus.Array{}
	for _, member := range policy.Members {
		var o object
		o.set("interface", member.Interface)
		o.set("percent", max(0, min(member.Percent, 100))) // somebody may have edited what the kernel has
		shares = append(shares, o.Table)
	}
	return shares
}

// object is a table that is being filled.
type object struct{ ubus.Table }

func (o *object) set(name string, value ubus.Value) {
	o.Table = append(o.Table, ubus.Field{Name: name, Value: value})
}

// figures adds what probes measured: milliseconds and percent.
func (o *object) figures(f health.Figures) {
	o.set("latency", f.Latency)
	o.set("packetloss", f.Loss)
	o.set("jitter", f.Jitter)
}
