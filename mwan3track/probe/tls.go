package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
)

// NewTLSPing makes a Prober for httping with httping_ssl: it connects and begins a TLS handshake. A ServerHello or an alert
// is an answer, and one is enough. That verifies that the target's port is open and that TLS is spoken there. It does
// not verify who speaks: no key is agreed on, no certificate is read, no HTTP request is made. So somebody on the way who
// takes over connections and speaks TLS passes, as upstream's httping lets them pass, too. Path and Status are not used.
func NewTLSPing(path Path, options HTTPOptions) Prober {
	return &series{path: path, terms: options.terms(), port: options.Port, ask: func(b *bound, target Target) error {
		if err := askTLS(b.file, target.name()); err != nil {
			return fmt.Errorf("begin TLS with %s: %w", target.authority(options.Port), err)
		}
		return nil
	}}
}

// askTLS sends a ClientHello and reads the beginning of what comes back.
func askTLS(conn io.ReadWriter, name string) error {
	if _, err := conn.Write(clientHello(name)); err != nil {
		return err
	}
	answer := make([]byte, tlsAlertLength, tlsAnswer)
	_, err := io.ReadFull(conn, answer)
	if err == nil && answer[0] == tlsHandshake {
		answer = answer[:tlsAnswer]
		_, err = io.ReadFull(conn, answer[tlsAlertLength:])
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return parseTLS(answer)
}

// Records and messages of TLS 1.2 (RFC 5246 sections 6.2, 7.2 and 7.4), which TLS 1.3 kept.
const (
	tlsAlert       = 21
	tlsHandshake   = 22
	tlsClientHello = 1
	tlsServerHello = 2

	tlsRecordHeader = 5
	tlsAlertLength  = tlsRecordHeader + 2
	tlsAnswer       = tlsRecordHeader + 4 + 2 // a handshake message's header and the version of a ServerHello
	tlsMaxRecord    = 1 << 14
	tlsMinHello     = 38 // version, random, empty session id, cipher suite, compression
)

// Extensions of a ClientHello: RFC 6066 section 3, RFC 8422 section 5.1, RFC 5246 section 7.4.1.4.
const (
	tlsServerName   = 0
	tlsGroups       = 10
	tlsPointFormats = 11
	tlsSignatures   = 13
)

// clientHello makes the first message of a TLS 1.2 handshake. Servers that speak TLS 1.3 only answer it with an alert. No
// key comes of its random numbers, so any will do.
func clientHello(name string) []byte {
	body := []byte{3, 3}
	for range 4 {
		body = binary.BigEndian.AppendUint64(body, rand.Uint64())
	}
	body = append(body, 0) // no session
	// ECDHE with AES-GCM and ChaCha20, for ECDSA and RSA keys, and RSA with AES for old servers.
	body = appendWords(body, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x002f)
	body = append(body, 1, 0) // no compression
	body = appendSized(body, tlsExtensions(name))

	message := append([]byte{tlsClientHello, 0}, appendSized(nil, body)...)
	return append([]byte{tlsHandshake, 3, 1}, appendSized(nil, message)...)
}

func tlsExtensions(name string) []byte {
	var all []byte
	add := func(kind uint16, data []byte) {
		all = appendSized(binary.BigEndian.AppendUint16(all, kind), data)
	}
	if name != "" {
		host := appendSized([]byte{0}, []byte(strings.TrimSuffix(name, ".")))
		add(tlsServerName, appendSized(nil, host))
	}
	add(tlsGroups, appendWords(nil, 0x001d, 0x0017, 0x0018)) // X25519, P-256, P-384
	add(tlsPointFormats, []byte{1, 0})
	add(tlsSignatures, appendWords(nil, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0201)) // ECDSA, RSA-PSS, RSA
	return all
}

// appendWords appends a list of 16-bit numbers with its length in bytes.
func appendWords(to []byte, words ...uint16) []byte {
	to = binary.BigEndian.AppendUint16(to, uint16(2*len(words)))
	for _, word := range words {
		to = binary.BigEndian.AppendUint16(to, word)
	}
	return to
}

// appendSized appends data with its length in 16 bits.
func appendSized(to, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(data))), data...)
}

// parseTLS tells whether what a server begins its answer with is a ServerHello or an alert.
func parseTLS(answer []byte) error {
	bad := fmt.Errorf("%q is not TLS", shorten(answer))
	if len(answer) < tlsAlertLength || answer[1] != 3 || answer[2] > 4 {
		return bad
	}
	length := int(binary.BigEndian.Uint16(answer[3:]))
	body := answer[tlsRecordHeader:]
	switch answer[0] {
	case tlsAlert:
		if length == 2 && slices.Contains([]byte{1, 2}, body[0]) { // warning, fatal
			return nil
		}
	case tlsHandshake:
		if len(answer) < tlsAnswer {
			return errors.New("the answer is too short")
		}
		hello := int(body[1])<<16 | int(binary.BigEndian.Uint16(body[2:]))
		if length > 4 && length <= tlsMaxRecord && body[0] == tlsServerHello && hello >= tlsMinHello && body[4] == 3 {
			return nil
		}
	}
	return bad
}
