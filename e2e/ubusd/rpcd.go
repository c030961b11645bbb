package ubusd

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"mwan3/ubus"
)

// pluginPatience is how long rpcd waits for a plugin (its option timeout, as OpenWrt sets it).
const pluginPatience = 30 * time.Second

// plugin is a program that answers for an object.
type plugin struct {
	program   string
	signature ubus.Table
}

// askPlugin has a program list its methods.
func (s *Server) askPlugin(program string) (*plugin, error) {
	out, err := runPlugin(s.command([]string{program, "list"}), nil)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", program, err)
	}
	methods, err := ParseJSON(out)
	if err != nil {
		return nil, fmt.Errorf("plugin %s lists its methods: %w", program, err)
	}
	return &plugin{program, signatureOf(methods)}, nil
}

func (s *Server) publishPlugin(p *plugin) {
	s.bus.publish(filepath.Base(p.program), p.signature, nil).plugin = p
}

// signatureOf puts the types in the place of the examples that a plugin lists.
func signatureOf(methods ubus.Table) ubus.Table {
	var signature builder
	for _, method := range methods {
		args := builder{ubus.Table{}}
		example, _ := method.Value.(ubus.Table)
		for _, arg := range example {
			args.add(arg.Name, typeOf(arg.Value))
		}
		signature.add(method.Name, args.Table)
	}
	return signature.Table
}

func typeOf(example ubus.Value) int {
	switch example.(type) {
	case string:
		return argText
	case bool:
		return argBool
	case ubus.Array:
		return argArray
	case ubus.Table:
		return argTable
	}
	return argInt
}

// runPlugin runs a plugin with that on its standard input, and returns what it prints. rpcd has no eye for exit codes.
func runPlugin(cmd *exec.Cmd, stdin []byte) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(stdin), &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pluginPatience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	_ = cmd.Wait()
	return out.Bytes(), ctx.Err()
}

// callPlugin has a plugin answer a call, and says then what rpcd would.
func (s *Server) callPlugin(p *plugin, method string, args ubus.Table, answer func(ubus.Table, ubus.Status)) {
	cmd := s.command([]string{p.program, "call", method})
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		result, status := pluginAnswer(runPlugin(cmd, ubus.AppendJSON(nil, args)))
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.isClosed() {
			answer(result, status)
		}
	}()
}

// pluginAnswer is the status that rpcd makes of what a plugin has printed.
func pluginAnswer(out []byte, err error) (ubus.Table, ubus.Status) {
	switch {
	case err != nil:
		return nil, ubus.StatusTimeout
	case len(out) == 0:
		return nil, ubus.StatusNoData
	}
	result, err := ParseJSON(out)
	if err != nil {
		return nil, ubus.StatusInvalidArgument
	}
	return result, ubus.StatusOK
}
