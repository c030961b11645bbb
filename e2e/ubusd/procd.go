package ubusd

import (
	"os/exec"
	"sort"
	"syscall"

	"mwan3/ubus"
)

// procd is the stand-in for the part of OpenWrt's first process that runs services.
type procd struct {
	server   *Server
	services map[string]*service
	object   *object
}

// service is what an init script has registered: processes that procd keeps running.
type service struct {
	name      string
	autostart bool
	deleted   bool // and only waiting for the end of its processes
	data      ubus.Table
	triggers  ubus.Array
	asked     int // how often a trigger has asked for a script
	instances map[string]*instance
}

func (p *procd) init(s *Server) {
	p.server = s
	p.services = map[string]*service{}
}

// publish makes the object on a new bus.
func (p *procd) publish() {
	set := ubus.Table{{Name: "name", Value: argText}, {Name: "script", Value: argText}, {Name: "instances", Value: argTable},
		{Name: "triggers", Value: argArray}, {Name: "validate", Value: argArray}, {Name: "autostart", Value: argBool},
		{Name: "data", Value: argTable}}
	instance := ubus.Table{{Name: "name", Value: argText}, {Name: "instance", Value: argText}}
	p.object = p.server.bus.publish("service", ubus.Table{
		{Name: "set", Value: set},
		{Name: "add", Value: set},
		{Name: "list", Value: ubus.Table{{Name: "name", Value: argText}, {Name: "verbose", Value: argBool}}},
		{Name: "delete", Value: instance},
		{Name: "signal", Value: append(instance[:2:2], ubus.Field{Name: "signal", Value: argInt})},
		{Name: "event", Value: ubus.Table{{Name: "type", Value: argText}, {Name: "data", Value: argTable}}},
	}, p.handle)
}

func (p *procd) handle(method string, args ubus.Table) (ubus.Table, ubus.Status) {
	switch method {
	case "set", "add":
		return nil, p.set(args, method == "add")
	case "delete":
		return nil, p.delete(args)
	case "signal":
		return nil, p.signal(args)
	case "event":
		return nil, p.event(args)
	}
	return p.list(args), ubus.StatusOK
}

// set makes the service what args say; with add, instances that args do not name stay.
func (p *procd) set(args ubus.Table, add bool) ubus.Status {
	name, given := args.Get("name").(string)
	if !given {
		return ubus.StatusInvalidArgument
	}
	s, known := p.services[name]
	if !known {
		s = &service{name: name, autostart: true, instances: map[string]*instance{}}
		p.services[name] = s
	}
	s.deleted = false
	if autostart, given := args.Get("autostart").(bool); given {
		s.autostart = autostart
	}
	if triggers, given := args.Get("triggers").(ubus.Array); given {
		s.triggers = triggers
	}
	if data, given := args.Get("data").(ubus.Table); given {
		s.data = data
	}
	if instances, given := args.Get("instances").(ubus.Table); given {
		p.update(s, instances, add)
	}
	if !known {
		p.notify("service.start", s, "")
	}
	return ubus.StatusOK
}

// update starts or changes the instances that are listed and, unless add, stops the others.
func (p *procd) update(s *service, listed ubus.Table, add bool) {
	for _, field := range listed {
		config, ok := field.Value.(ubus.Table)
		if !ok {
			continue
		}
		settings := settingsOf(config)
		if in := s.instances[field.Name]; in != nil {
			in.update(settings)
			continue
		}
		in := &instance{procd: p, service: s, name: field.Name}
		in.adopt(settings)
		s.instances[field.Name] = in
		if s.autostart {
			in.start()
		}
	}
	for _, in := range s.sorted() {
		if listed.Get(in.name) == nil && !add {
			in.stop()
		}
	}
}

// find returns the service and the instance that args name; the instance is nil when they name none.
func (p *procd) find(args ubus.Table) (*service, *instance, ubus.Status) {
	s := p.services[args.Text("name")]
	if s == nil {
		return nil, nil, ubus.StatusNotFound
	}
	name, given := args.Get("instance").(string)
	if !given {
		return s, nil, ubus.StatusOK
	}
	if s.instances[name] == nil {
		return s, nil, ubus.StatusNotFound
	}
	return s, s.instances[name], ubus.StatusOK
}

func (p *procd) delete(args ubus.Table) ubus.Status {
	s, one, status := p.find(args)
	switch {
	case status != ubus.StatusOK:
		return status
	case one != nil:
		one.stop()
		return ubus.StatusOK
	}
	s.deleted = true
	s.data = nil
	for _, in := range s.sorted() {
		in.stop()
	}
	p.forget(s)
	return ubus.StatusOK
}

// forget drops a deleted service when the last of its processes has ended.
func (p *procd) forget(s *service) {
	if s.deleted && len(s.instances) == 0 {
		delete(p.services, s.name)
		p.notify("service.stop", s, "")
	}
}

// notify tells subscribers what happened to a service or one of its instances, with more about it.
func (p *procd) notify(what string, s *service, instance string, more ...ubus.Field) {
	data := builder{ubus.Table{{Name: "service", Value: s.name}}}
	data.addIf(instance != "", "instance", instance)
	p.server.bus.notify(p.object, what, append(data.Table, more...))
}

// signal sends a signal, SIGHUP if args name none, to one instance or to all.
func (p *procd) signal(args ubus.Table) ubus.Status {
	number := syscall.SIGHUP
	if n, given := args.Get("signal").(int64); given {
		number = syscall.Signal(n)
	}
	s, one, status := p.find(args)
	switch {
	case status != ubus.StatusOK:
		return status
	case one != nil:
		return one.signal(number)
	}
	for _, in := range s.sorted() {
		status = in.signal(number)
	}
	return status
}

// list describes one service, or all.
func (p *procd) list(args ubus.Table) ubus.Table {
	only, one := args.Get("name").(string)
	var names []string
	for name := range p.services {
		if !one || name == only {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	b := builder{ubus.Table{}}
	for _, name := range names {
		b.add(name, p.services[name].describe(args.Bool("verbose")))
	}
	return b.Table
}

func (s *service) describe(verbose bool) ubus.Table {
	var b, instances builder
	b.addIf(!s.autostart, "autostart", false)
	b.addIf(len(s.data) > 0, "data", s.data)
	for _, in := range s.sorted() {
		instances.add(in.name, in.describe())
	}
	b.addIf(len(s.instances) > 0, "instances", instances.Table)
	b.addIf(verbose && s.triggers != nil, "triggers", s.triggers)
	return b.Table
}

// sorted lists the instances by name.
func (s *service) sorted() []*instance {
	var all []*instance
	for _, in := range s.instances {
		all = append(all, in)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// killAll ends all processes at once, for good.
func (p *procd) killAll() {
	for _, s := range p.services {
		for _, in := range s.instances {
			in.kill(syscall.SIGKILL)
		}
	}
}

// processOf makes the process of a command. Its settings' environment comes on top of what the command has.
func (p *procd) processOf(argv []string, env []string) *exec.Cmd {
	cmd := p.server.command(argv)
	if len(env) > 0 {
		cmd.Env = append(cmd.Environ(), env...)
	}
	return cmd
}
