package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
)

// serverConfig is that of a TLS server with a certificate of its own making.
func serverConfig(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// text answers whatever comes first with a text.
func text(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1000))
		_, _ = io.WriteString(conn, answer)
	}
}

func TestTLSServersAreKnownByTheirFirstRecord(t *testing.T) {
	s := newStreet(t)
	config := serverConfig(t)
	var mu sync.Mutex
	var answer func(net.Conn)
	for _, family := range families {
		s.listen(family.target.Addr, 443, func(conn net.Conn) {
			mu.Lock()
			defer mu.Unlock()
			answer(conn)
		})
	}
	server := func(low, high uint16) func(net.Conn) {
		config := config.Clone()
		config.MinVersion, config.MaxVersion = low, high
		return func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() }
	}
	for _, test := range []struct {
		name   string
		answer func(net.Conn)
		err    string
	}{
		{"TLS 1.2", server(tls.VersionTLS12, tls.VersionTLS12), ""},
		{"any TLS", server(tls.VersionTLS10, tls.VersionTLS13), ""},
		{"TLS 1.3 only answers with an alert", server(tls.VersionTLS13, tls.VersionTLS13), ""},
		{"an alert", text("\x15\x03\x03\x00\x02\x02\x28"), ""},
		{"a web server", text("HTTP/1.1 400 Bad Request\r\n"), `"HTTP/1." is not TLS`},
		{"an alert of no level", text("\x15\x03\x03\x00\x02\x03\x28"), `"\x15\x03\x03\x00\x02\x03(" is not TLS`},
		{"our own message", text("\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x03\x03"), `"\x16\x03\x01\x00\x80\x01\x00\x00|\x03\x03" is not TLS`},
		{"half an alert", text("\x15\x03\x03\x00\x02"), "unexpected EOF"},
		{"half a ServerHello", text("\x16\x03\x03\x00\x80\x02\x00\x00"), "unexpected EOF"},
		{"nothing", text(""), "unexpected EOF"},
	} {
		mu.Lock()
		answer = test.answer
		mu.Unlock()
		for _, family := range families {
			result := NewTLSPing(family.path, HTTPOptions{Count: 1, Port: 443, Timeout: long}).Probe(context.Background(), family.target)
			want := test.err
			if want != "" {
				want = "begin TLS with " + family.target.authority(443) + ": " + want
			}
			got := ""
			if result.Err != nil {
				got = result.Err.Error()
			}
			if result.OK != (test.err == "") || got != want || (result.Latency > 0) != result.OK {
				t.Errorf("%s, %s: %+v, want %q", test.name, family.path.Family, result, want)
			}
		}
	}
}

func TestTheClientHelloNamesTheHostAndCanBeAgreedTo(t *testing.T) {
	for _, name := range []string{"", "www.example.org"} {
		ours, theirs := net.Pipe()
		config := serverConfig(t)
		var got string
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			got = hello.ServerName
			return nil, nil
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = tls.Server(theirs, config).Handshake()
		}()
		if err := askTLS(ours, name); err != nil {
			t.Error(err)
		}
		ours.Close()
		<-done
		if got != name {
			t.Errorf("asked for %q, want %q", got, name)
		}
	}
	if len(clientHello(strings.Repeat("a", 253))) > 1400 {
		t.Error("a ClientHello needs more than a packet")
	}
}

func FuzzOnlyTLSPasses(f *testing.F) {
	f.Add("\x15\x03\x03\x00\x02\x02\x28")
	f.Add("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
	f.Add("\x16\x03\x03\x00")
	f.Fuzz(func(t *testing.T, answer string) {
		kind := strings.HasPrefix(answer, "\x15\x03") || strings.HasPrefix(answer, "\x16\x03")
		if parseTLS([]byte(answer)) == nil && !kind {
			t.Errorf("%q was accepted", answer)
		}
	})
}
