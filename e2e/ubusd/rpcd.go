package ubusd

import (
	"bytes"
	"context"
	"fmt"
	"os"
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

// LoadPlugins does what a start of rpcd does: for each program of the directory it publishes an object of that name, which
// has the methods that the program lists. Calls run the program; while one runs, others are answered.
func (s *Server) LoadPlugins(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		program := filepath.Join(dir, entry.Name())
		out, err := runPlugin(s.command([]string{program, "list"}), nil)
		if err != nil {
			return fmt.Errorf("plugin %s: %w", program, err)
		}
		methods, err := ParseJSON(out)
		if err != nil {
			return fmt.Errorf("plugin %s lists its methods: %w", program, err)
		}
		s.plugins = append(s.plugins, &plugin{program, signatureOf(methods)})
		s.publishPlugin(s.plugins[len(s.plugins)-1])
	}
	return nil
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
