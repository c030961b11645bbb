package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// web answers requests with a text; it tells what they were.
type web struct {
	mu       sync.Mutex
	answers  []string // one for each connection, the last one again and again
	hang     bool     // the connection stays open
	requests []string
}

func (w *web) serve(conn net.Conn) {
	reader := bufio.NewReader(conn)
	var request strings.Builder
	for line := ""; line != "\r\n"; request.WriteString(line) {
		var err error
		if line, err = reader.ReadString('\n'); err != nil {
			return
		}
	}
	w.mu.Lock()
	answer, hang := w.answers[0], w.hang
	if len(w.answers) > 1 {
		w.answers = w.answers[1:]
	}
	w.requests = append(w.requests, request.String())
	w.mu.Unlock()
	_, _ = io.WriteString(conn, answer)
	if hang {
		_, _ = io.Copy(io.Discard, conn)
	}
}

func (w *web) answer(hang bool, answers ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hang, w.answers = hang, answers
}

func TestOnlyTheExpectedStatusIsGoodForHTTPAndAnyForHTTPing(t *testing.T) {
	s := newStreet(t)
	w := &web{}
	for _, family := range families {
		s.listen(family.target.Addr, 80, w.serve)
	}
	const get = "get http://%s/generate_204: "
	for _, test := range []struct {
		name, answer string
		hang         bool
		httping      bool
		err          string // of http
	}{
		{"the status", "HTTP/1.1 204 No Content\r\n\r\n", false, true, ""},
		{"no reason", "HTTP/1.0 204\n", false, true, ""},
		{"more to come", "HTTP/1.1 204 \r\nDate: ", true, true, ""},
		{"an error", "HTTP/1.1 500 Internal Server Error\r\n\r\n", false, true, get + "status 500, not 204"},
		{"a login page", "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.254/\r\n\r\n", false, true, get + "status 302, not 204"},
		{"another protocol", "SSH-2.0-dropbear\r\n", false, false, get + `"SSH-2.0-dropbear" is not HTTP`},
		{"another version", "HTTP/2 204\r\n", false, false, get + `"HTTP/2 204" is not HTTP`},
		{"a longer status", "HTTP/1.1 2040 OK\r\n", false, false, get + `"HTTP/1.1 2040 OK" is not HTTP`},
		{"a signed status", "HTTP/1.1 +20 OK\r\n", false, false, get + `"HTTP/1.1 +20 OK" is not HTTP`},
		{"nothing", "", false, false, get + "unexpected EOF"},
		{"half a line", "HTTP/1.1 204", false, false, get + "unexpected EOF"},
		{"half a line and no end", "HTTP/1.1 204", true, false, "timeout"},
		{"no end of the line", strings.Repeat("x", 2000), true, false, get + "no status in the first 1024 bytes"},
	} {
		w.answer(test.hang, test.answer)
		for _, family := range families {
			options := HTTPOptions{Count: 1, Port: 80, Timeout: long, Path: "/generate_204", Status: 204}
			want := strings.ReplaceAll(test.err, "%s", family.target.authority(80))
			if test.err == "timeout" {
				options.Timeout, want = short, ""
			}
			check := func(method string, result Result, ok bool, want string) {
				text := ""
				if result.Err != nil {
					text = result.Err.Error()
				}
				if result.OK != ok || text != want || (result.Latency > 0) != ok || (result.Loss == 0) != ok {
					t.Errorf("%s, %s, %s: %+v, want %q", test.name, method, family.path.Family, result, want)
				}
			}
			check("http", NewHTTP(family.path, options).Probe(context.Background(), family.target), test.err == "", want)
			if want = strings.Replace(want, "get", "ask", 1); test.httping {
				want = ""
			}
			want = strings.Replace(want, "/generate_204", "/", 1)
			check("httping", NewHTTPing(family.path, options).Probe(context.Background(), family.target), test.httping, want)
		}
	}
}

func TestOneGoodAnswerOfSeveralIsEnough(t *testing.T) {
	s := newStreet(t)
	w := &web{answers: []string{"HTTP/1.1 503 Busy\r\n", "HTTP/1.1 204 \r\n", "HTTP/1.1 503 Busy\r\n"}}
	s.listen(target4, 8080, w.serve)
	options := HTTPOptions{Count: 3, Port: 8080, Timeout: long, Path: "/", Status: 204}
	result := NewHTTP(families[0].path, options).Probe(context.Background(), families[0].target)
	if !result.OK || result.Loss != 66 || result.Err != nil {
		t.Errorf("%+v", result)
	}
}

func TestRequestsNameTheHostAsTheConfigHasIt(t *testing.T) {
	s := newStreet(t)
	w := &web{answers: []string{"HTTP/1.1 204 \r\n"}}
	for _, family := range families {
		s.listen(family.target.Addr, 80, w.serve)
		s.listen(family.target.Addr, 8080, w.serve)
	}
	const rest = "\r\nUser-Agent: mwan3track\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	for _, test := range []struct {
		target Target
		family int
		port   int
		host   string
	}{
		{families[0].target, 0, 80, "192.0.2.7"},
		{families[0].target, 0, 8080, "192.0.2.7:8080"},
		{families[1].target, 1, 80, "[2001:db8::7]"},
		{families[1].target, 1, 8080, "[2001:db8::7]:8080"},
		{Target{Host: "www.example.org", Addr: target6}, 1, 80, "www.example.org"},
		{Target{Host: "www.example.org", Addr: target4}, 0, 8080, "www.example.org:8080"},
	} {
		w.requests = nil
		options := HTTPOptions{Count: 1, Port: test.port, Timeout: long, Path: "/a?b", Status: 204}
		NewHTTP(families[test.family].path, options).Probe(context.Background(), test.target)
		NewHTTPing(families[test.family].path, options).Probe(context.Background(), test.target)
		want := []string{"GET /a?b HTTP/1.1\r\nHost: " + test.host + rest, "HEAD / HTTP/1.1\r\nHost: " + test.host + rest}
		if fmt.Sprintf("%q", w.requests) != fmt.Sprintf("%q", want) {
			t.Errorf("got %q, want %q", w.requests, want)
		}
	}
}

func TestAServerThatDribblesDoesNotHoldTheProbe(t *testing.T) {
	s := newStreet(t)
	ended := make(chan struct{})
	s.listen(target4, 80, func(conn net.Conn) {
		defer close(ended)
		for {
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	options := HTTPOptions{Count: 1, Port: 80, Timeout: short, Path: "/", Status: 204}
	if result := NewHTTP(families[0].path, options).Probe(context.Background(), families[0].target); result != (Result{Loss: 100}) {
		t.Errorf("%+v", result)
	}
	<-ended
}

func FuzzOnlyAStatusLineHasAStatus(f *testing.F) {
	for _, line := range []string{"HTTP/1.1 204 No Content\r", "HTTP/1.0 500", "HTTP/1.1 -12", ""} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		status, err := parseStatus([]byte(line))
		if err == nil && (status < 100 || status > 999 || !strings.HasPrefix(line[8:], fmt.Sprintf(" %d", status))) {
			t.Errorf("%q has status %d", line, status)
		}
		first, err := readLine(strings.NewReader(line))
		if want, _, ok := strings.Cut(line, "\n"); err == nil && (!ok || string(first) != want) {
			t.Errorf("%q begins with %q", line, first)
		}
	})
}
