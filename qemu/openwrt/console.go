package openwrt

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"time"
)

// console is a serial line with a router's shell at the other end.
type console struct {
	conn net.Conn
	seen []byte // and not yet looked at
}

// prompt is what OpenWrt's shell says when it waits for a command: in the home folder, or at the root as older ones do.
const prompt = `:[~/]# `

// expect reads until the pattern shows up, and returns what came before it.
func (c *console) expect(until time.Time, pattern string) ([]byte, error) {
	wanted := regexp.MustCompile(pattern)
	buffer := make([]byte, 4096)
	for {
		if at := wanted.FindIndex(c.seen); at != nil {
			before := c.seen[:at[0]]
			c.seen = c.seen[at[1]:]
			return before, nil
		}
		if err := c.conn.SetReadDeadline(until); err != nil {
			return nil, err
		}
		n, err := c.conn.Read(buffer)
		c.seen = append(c.seen, buffer[:n]...)
		if err != nil {
			return nil, fmt.Errorf("waiting for %q on the console, after %q: %w", pattern, tail(c.seen), err)
		}
	}
}

// tail is what an error shows of the console.
func tail(seen []byte) []byte {
	const enough = 200
	return seen[max(0, len(seen)-enough):]
}

// login brings a shell. Enter is pressed until there is a prompt: one that comes while the router still boots is lost.
func (c *console) login(until time.Time) error {
	for {
		if _, err := c.conn.Write([]byte("\n")); err != nil {
			return err
		}
		soon := time.Now().Add(2 * time.Second)
		if soon.After(until) {
			soon = until
		}
		_, err := c.expect(soon, prompt)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(until) {
			return err
		}
	}
}

// run types a command and waits for its end. The mark at the end is put together by the shell, so that the echo of what is
// typed is not taken for it.
func (c *console) run(until time.Time, command string) error {
	if _, err := fmt.Fprintf(c.conn, "%s; echo en''d:$?:\n", command); err != nil {
		return err
	}
	printed, err := c.expect(until, "end:")
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	status, err := c.expect(until, ":")
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if string(status) != "0" {
		return fmt.Errorf("%s: status %s\n%s", command, status, printed)
	}
	return nil
}
