package probe

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// HTTPOptions are the options of methods http and httping.
type HTTPOptions struct {
	Count   int // requests to a target, one per second; one good answer is enough
	Port    int
	Timeout time.Duration // of each request, from the connection to the status
	Path    string        // that is asked for, with its slash
	Status  int           // the only good one
}

func (o HTTPOptions) terms() terms { return terms{count: o.Count, need: 1, timeout: o.Timeout} }

// NewHTTP makes a Prober that gets a page: an answer counts when it has the status that is expected. The login page of a
// network that lets nobody through has another one.
func NewHTTP(path Path, options HTTPOptions) Prober {
	return &series{path: path, terms: options.terms(), port: options.Port, ask: func(b *bound, target Target) error {
		status, err := askHTTP(b.file, "GET", options.Path, target.authority(options.Port))
		if err == nil && status != options.Status {
			err = fmt.Errorf("status %d, not %d", status, options.Status)
		}
		if err != nil {
			return fmt.Errorf("get http://%s%s: %w", target.authority(options.Port), options.Path, err)
		}
		return nil
	}}
}

// NewHTTPing makes a Prober that asks a web server for the head of its first page, as httping does: every answer in HTTP
// counts. Path and Status are not used.
func NewHTTPing(path Path, options HTTPOptions) Prober {
	return &series{path: path, terms: options.terms(), port: options.Port, ask: func(b *bound, target Target) error {
		if _, err := askHTTP(b.file, "HEAD", "/", target.authority(options.Port)); err != nil {
			return fmt.Errorf("ask http://%s/: %w", target.authority(options.Port), err)
		}
		return nil
	}}
}

const (
	httpPort      = 80
	maxStatusLine = 1024 // bytes; more of an answer is not read
)

// authority is the target as URLs and the field Host have it: its name rather than its address, the port if it is not
// HTTP's own.
func (t Target) authority(port int) string {
	host := t.name()
	if host == "" {
		host = t.Addr.String()
	}
	if port != httpPort {
		return net.JoinHostPort(host, strconv.Itoa(port))
	}
	if host == t.Addr.String() && t.Addr.Is6() {
		return "[" + host + "]"
	}
	return host
}

// name is the target's host name, empty if the config has its address.
func (t Target) name() string {
	if _, err := netip.ParseAddr(t.Host); err == nil {
		return ""
	}
	return t.Host
}

// askHTTP sends a request and returns the status of what comes back.
func askHTTP(conn io.ReadWriter, method, path, host string) (int, error) {
	request := method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: mwan3track\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	line, err := readLine(conn)
	if err != nil {
		return 0, err
	}
	return parseStatus(line)
}

// readLine reads until the first end of a line, without it.
func readLine(r io.Reader) ([]byte, error) {
	buffer := make([]byte, maxStatusLine)
	for length := 0; length < len(buffer); {
		n, err := r.Read(buffer[length:])
		length += n
		if line, _, ok := bytes.Cut(buffer[:length], []byte("\n")); ok {
			return line, nil
		}
		if err == io.EOF {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no status in the first %d bytes", maxStatusLine)
}

// parseStatus reads a status line (RFC 9112 section 4): "HTTP/1.1 204 No Content". Servers may leave out the reason and
// the blank before it.
func parseStatus(line []byte) (int, error) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	known := string(version) == "HTTP/1.1" || string(version) == "HTTP/1.0"
	status, err := strconv.Atoi(string(code))
	if !known || err != nil || len(code) != 3 || status < 100 || code[0] == '+' {
		return 0, fmt.Errorf("%q is not HTTP", shorten(line))
	}
	return status, nil
}

// shorten keeps foreign bytes from filling the log.
func shorten(line []byte) []byte { return line[:min(len(line), 40)] }
