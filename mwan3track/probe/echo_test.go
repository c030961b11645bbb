package probe

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"mwan3/network"
)

var (
	target4 = netip.MustParseAddr("192.0.2.7")
	target6 = netip.MustParseAddr("2001:db8::7")
)

const payload = "TOKENTOKrest of the payload"

func wantReply(family network.Family) reply {
	source := target4
	if family == network.IPv6 {
		source = target6
	}
	return reply{family: family, source: source, id: 0x1234, payload: []byte(payload)}
}

// answer4 makes an answer with its IP header; edit changes the ICMP message before its checksum is computed.
func answer4(source netip.Addr, edit func(message []byte) []byte) []byte {
	message := append(make([]byte, echoHeader), payload...)
	binary.BigEndian.PutUint16(message[4:], 0x1234)
	binary.BigEndian.PutUint16(message[6:], 9)
	message = edit(message)
	if len(message) >= 4 {
		binary.BigEndian.PutUint16(message[2:], checksum(message))
	}
	return append(header4(source, 1, len(message)), message...)
}

func header4(source netip.Addr, protocol byte, length int) []byte {
	header := make([]byte, 20)
	header[0] = 0x45
	binary.BigEndian.PutUint16(header[2:], uint16(20+length))
	header[8], header[9] = 64, protocol
	copy(header[12:], source.AsSlice())
	return header
}

func same(message []byte) []byte { return message }

// set changes one byte.
func set(i int, value byte) func([]byte) []byte {
	return func(message []byte) []byte {
		message[i] = value
		return message
	}
}

// flip changes one byte for certain.
func flip(i int) func([]byte) []byte {
	return func(message []byte) []byte {
		message[i] ^= 0x80
		return message
	}
}

// cut keeps the beginning.
func cut(n int) func([]byte) []byte {
	return func(message []byte) []byte { return message[:n] }
}

func TestOnlyTheAnswerItselfIsAcceptedOverIPv4(t *testing.T) {
	good := answer4(target4, same)
	options := append([]byte{0x46}, good[1:20]...)
	options = append(append(options, 1, 1, 1, 1), good[20:]...)
	for _, test := range []struct {
		name   string
		packet []byte
		want   Ignored
	}{
		{"the answer", good, Accepted},
		{"with IP options", options, Accepted},
		{"cut off behind the token", answer4(target4, cut(echoHeader+tokenLength)), Accepted},
		{"nothing", nil, TooShort},
		{"half an IP header", good[:19], TooShort},
		{"an IP header only", good[:20], TooShort},
		{"half an ICMP header", good[:27], TooShort},
		{"no payload", answer4(target4, cut(echoHeader)), TooShort},
		{"half a token", answer4(target4, cut(echoHeader+tokenLength-1)), TooShort},
		{"a header that is longer than the packet", append([]byte{0x4f}, good[1:24]...), TooShort},
		{"a header that is too short to be one", append([]byte{0x44}, good[1:]...), TooShort},
		{"another IP version", append([]byte{0x65}, good[1:]...), TooShort},
		{"from somebody else", answer4(netip.MustParseAddr("192.0.2.8"), same), OtherSource},
		{"another protocol", append(header4(target4, 17, 35), good[20:]...), NotEchoReply},
		{"our own request", answer4(target4, set(0, echoRequest4)), NotEchoReply},
		{"an error message", answer4(target4, set(0, 3)), NotEchoReply},
		{"a code that is not 0", answer4(target4, set(1, 1)), NotEchoReply},
		{"a bit that flipped", set(len(good)-1, 'X')(bytes.Clone(good)), BadChecksum},
		{"cut off on the way", good[:len(good)-2], BadChecksum},
		{"to another program", answer4(target4, set(5, 0x35)), OtherID},
		{"with another token", answer4(target4, set(echoHeader, 'X')), OtherPayload},
		{"with another payload", answer4(target4, set(echoHeader+20, 'X')), OtherPayload},
		{"with a longer payload", answer4(target4, func(m []byte) []byte { return append(m, '!') }), OtherPayload},
	} {
		sequence, reason := wantReply(network.IPv4).parse(test.packet)
		if reason != test.want || reason == Accepted && sequence != 9 {
			t.Errorf("%s: got %q (sequence %d), want %q", test.name, reason, sequence, test.want)
		}
	}
}

func answer6(edit func(message []byte) []byte) []byte {
	message := append(make([]byte, echoHeader), payload...)
	message[0] = echoReply6
	binary.BigEndian.PutUint16(message[4:], 0x1234)
	binary.BigEndian.PutUint16(message[6:], 9)
	return edit(message)
}

func TestOnlyTheAnswerItselfIsAcceptedOverIPv6(t *testing.T) {
	for _, test := range []struct {
		name   string
		packet []byte
		want   Ignored
	}{
		{"the answer", answer6(same), Accepted},
		{"cut off behind the token", answer6(cut(echoHeader + tokenLength)), Accepted},
		{"nothing", nil, TooShort},
		{"half a header", answer6(cut(7)), TooShort},
		{"half a token", answer6(cut(echoHeader + 7)), TooShort},
		{"a request", answer6(set(0, echoRequest6)), NotEchoReply},
		{"an IPv4 answer", answer6(set(0, echoReply4)), NotEchoReply},
		{"a code that is not 0", answer6(set(1, 3)), NotEchoReply},
		{"to another program", answer6(set(4, 0)), OtherID},
		{"with another token", answer6(set(echoHeader+7, 'X')), OtherPayload},
	} {
		sequence, reason := wantReply(network.IPv6).parse(test.packet)
		if reason != test.want || reason == Accepted && sequence != 9 {
			t.Errorf("%s: got %q (sequence %d), want %q", test.name, reason, sequence, test.want)
		}
	}
}

func TestAPayloadWithoutRoomForATokenMustBeWhole(t *testing.T) {
	want := wantReply(network.IPv6)
	want.payload = []byte("abc")
	for text, reason := range map[string]Ignored{"abc": Accepted, "ab": TooShort, "abd": OtherPayload, "abcd": OtherPayload} {
		packet := append(answer6(cut(echoHeader)), text...)
		if _, got := want.parse(packet); got != reason {
			t.Errorf("%q: got %q, want %q", text, got, reason)
		}
	}
	want.payload = nil
	if _, got := want.parse(answer6(cut(echoHeader))); got != Accepted {
		t.Errorf("an empty payload is %q", got)
	}
}

func TestChecksumsAreThoseOfRFC1071(t *testing.T) {
	for _, test := range []struct {
		message []byte
		want    uint16
	}{
		{[]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, ^uint16(0xddf2)}, // the example of RFC 1071
		{nil, 0xffff},
		{[]byte{0xff}, 0x00ff},
		{bytes.Repeat([]byte{0xff}, 65515), 0x00ff},
	} {
		if got := checksum(test.message); got != test.want {
			t.Errorf("%d bytes: got %#x, want %#x", len(test.message), got, test.want)
		}
	}
}

func TestRequestsAreEchoRequests(t *testing.T) {
	message := append([]byte("garbage!"), "pay"...)
	putEcho(message, network.IPv4, 0x1234, 0xfffe)
	want := []byte{8, 0, 0xfc, 0x6a, 0x12, 0x34, 0xff, 0xfe, 'p', 'a', 'y'}
	if !bytes.Equal(message, want) {
		t.Errorf("IPv4: got % x, want % x", message, want)
	}
	putEcho(message, network.IPv6, 0x1234, 0xfffe)
	want = []byte{128, 0, 0, 0, 0x12, 0x34, 0xff, 0xfe, 'p', 'a', 'y'}
	if !bytes.Equal(message, want) {
		t.Errorf("IPv6: got % x, want % x", message, want)
	}
}

func FuzzOnlyAnswersWithOurTokenPass(f *testing.F) {
	f.Add(answer4(target4, same), false)
	f.Add(answer4(target4, cut(echoHeader+tokenLength)), false)
	f.Add(answer6(same), true)
	f.Add([]byte{0x4f}, false)
	f.Fuzz(func(t *testing.T, packet []byte, v6 bool) {
		family := network.IPv4
		if v6 {
			family = network.IPv6
		}
		if _, reason := wantReply(family).parse(packet); reason != Accepted {
			return
		}
		if !bytes.Contains(packet, []byte(payload[:tokenLength])) || !bytes.Contains(packet, []byte{0x12, 0x34}) {
			t.Errorf("% x was accepted", packet)
		}
	})
}
