package openwrt

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// router plays a console: it says nothing before Enter is pressed a second time, echoes what is typed, and knows two commands.
func router(conn net.Conn) {
	fmt.Fprint(conn, "booting\r\nPlease press Enter to activate this console. ")
	lines := bufio.NewScanner(conn)
	lines.Scan()
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "":
			fmt.Fprint(conn, "\r\nBusyBox\r\nroot@OpenWrt:~# ")
		case strings.HasPrefix(line, "true"):
			fmt.Fprintf(conn, "%s\r\nend:0:\r\nroot@OpenWrt:~# ", line)
		default:
			fmt.Fprintf(conn, "%s\r\nno such thing\r\nend:127:\r\nroot@OpenWrt:~# ", line)
		}
	}
}

// line is a serial line's two ends. What is written waits there until it is read, unlike in net.Pipe.
func line(t *testing.T) (here, there net.Conn) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "line"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if here, err = net.Dial("unix", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if there, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

func TestEnterIsPressedUntilThereIsAPrompt(t *testing.T) {
	t.Parallel()
	here, there := line(t)
	go router(there)
	c := &console{conn: here}
	until := time.Now().Add(time.Minute)
	if err := c.login(until); err != nil {
		t.Fatal(err)
	}
	if err := c.run(until, "true"); err != nil {
		t.Error(err)
	}
	err := c.run(until, "frobnicate")
	if err == nil || !strings.HasPrefix(err.Error(), "frobnicate: status 127\n") || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("error: %v", err)
	}
}

func TestASilentConsoleIsAnErrorThatShowsWhatWasSaidLast(t *testing.T) {
	t.Parallel()
	here, there := line(t)
	fmt.Fprint(there, "Kernel panic")
	err := (&console{conn: here}).login(time.Now().Add(time.Second))
	if err == nil || !strings.Contains(err.Error(), `waiting for ":[~/]# " on the console, after "Kernel panic"`) {
		t.Errorf("error: %v", err)
	}
}
