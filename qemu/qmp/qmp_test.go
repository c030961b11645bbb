package qmp

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// serve plays QEMU: what it says to each command, and the commands that it heard.
func serve(t *testing.T, answers ...string) (net.Conn, <-chan string) {
	t.Helper()
	here, there := net.Pipe()
	heard := make(chan string, len(answers)+1)
	go func() {
		defer there.Close()
		fmt.Fprintln(there, `{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": []}}`)
		lines := bufio.NewScanner(there)
		for _, answer := range append([]string{`{"return": {}}`}, answers...) {
			if !lines.Scan() {
				return
			}
			heard <- lines.Text()
			fmt.Fprintln(there, answer)
		}
	}()
	t.Cleanup(func() { here.Close() })
	return here, heard
}

func TestCommandsHaveAnswersAndEventsAreKeptApart(t *testing.T) {
	t.Parallel()
	conn, heard := serve(t,
		`{"event": "RESET", "data": {"guest": false, "reason": "host-qmp-system-reset"}, "timestamp": {}}`+"\n"+`{"return": {"status": "running"}}`,
		`{"error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}}`)
	c, err := New(conn)
	if err != nil {
		t.Fatal(err)
	}
	var status struct{ Status string }
	if err := c.Do("query-status", nil, &status); err != nil || status.Status != "running" {
		t.Errorf("%q, %v", status.Status, err)
	}
	err = c.Do("set_link", map[string]any{"name": "x", "up": false}, nil)
	if err == nil || err.Error() != "set_link: DeviceNotFound: Device 'x' not found" {
		t.Error(err)
	}
	if err := c.Do("quit", nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	for _, want := range []string{
		`{"execute":"qmp_capabilities"}`, `{"execute":"query-status"}`, `{"arguments":{"name":"x","up":false},"execute":"set_link"}`,
	} {
		if got := <-heard; got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
	if event := <-c.Events(); event.Name != "RESET" || !strings.Contains(string(event.Data), "host-qmp-system-reset") {
		t.Errorf("event %s %s", event.Name, event.Data)
	}
	if _, more := <-c.Events(); more {
		t.Error("an event after the end")
	}
}

func TestSomethingElseIsNotTakenForQEMU(t *testing.T) {
	t.Parallel()
	for _, greeting := range []string{"{}", "SSH-2.0"} {
		here, there := net.Pipe()
		go fmt.Fprintln(there, greeting)
		if _, err := New(here); err == nil {
			t.Errorf("%s is taken for QEMU", greeting)
		}
	}
}
