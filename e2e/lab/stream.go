package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"time"
)

// connectionTime is how long a server deals with one connection.
const connectionTime = 30 * time.Second

// serveOne serves a TCP connection.
func serveOne(conn net.Conn, serve func(net.Conn)) {
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(connectionTime)) == nil {
		serve(conn)
	}
}

// streams are the TCP servers.
func streams() map[string]func(net.Conn) {
	return map[string]func(net.Conn){
		"http":          serveHTTP,
		"http-500":      say("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
		"http-redirect": say("HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n"),
		"http-cut-off":  say("HTTP/1.1 204"),
		"http-not":      say("RTSP/1.0 204 No Content\r\n\r\n"),
		"tls":           serveTLS,
		"tls-alert":     say("\x15\x03\x03\x00\x02\x02\x28"), // fatal: handshake failure (RFC 5246 section 7.2)
		"tls-cut-off":   say("\x16\x03\x03\x00\x7a\x02"),     // the beginning of a ServerHello
		"garbage":       say("\x00\x01\x02garbage\xff\n\r\n"),
		"endless":       endless,
		"mute":          func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
	}
}

// say is a server that answers whatever comes first, and hangs up.
func say(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 4096)); err == nil {
			_, _ = io.WriteString(conn, answer) // the peer sees how it ended
		}
	}
}

// endless answers with a line that does not end.
func endless(conn net.Conn) {
	line := []byte(strings.Repeat("x", 1<<10))
	for {
		if _, err := conn.Write(line); err != nil {
			return
		}
	}
}

// serveHTTP is a web server with two pages: / and /generate_204, which answers as its name says.
func serveHTTP(conn net.Conn) {
	request := make([]byte, 4096)
	n, err := conn.Read(request)
	if err != nil {
		return
	}
	status := "404 Not Found"
	words := strings.Fields(string(request[:n]))
	switch {
	case len(words) < 3 || !strings.HasPrefix(words[2], "HTTP/1."):
		status = "400 Bad Request"
	case words[1] == "/":
		status = "200 OK"
	case words[1] == "/generate_204":
		status = "204 No Content"
	}
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
}

// serveTLS speaks TLS with a certificate that nobody knows.
func serveTLS(conn net.Conn) {
	certificate, err := selfSigned()
	if err != nil {
		return
	}
	_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake() // the peer may hang up
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
