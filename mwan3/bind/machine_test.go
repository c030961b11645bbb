package bind

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// machine runs a program as the kernel of a machine of that byte order does. It decodes the program's bytes and knows no
// more instructions than the programs have; it fails the test at any other, and at a wrong access.
type machine struct {
	t         testing.TB
	order     binary.ByteOrder
	registers [11]uint64
	areas     map[uint64][]byte // by address
	done      []string          // what the program did, in the order of time
}

// Where things are in the machine's memory.
const (
	atContext = 0x1000 << 32
	atSocket  = 0x2000 << 32
	atStack   = 0x3000 << 32
)

// socket is what a program finds. Device and family are the socket's; of the context only what is not nil is there.
type socket struct {
	device, family uint32
	context        []byte
	pointer        uint64 // the offset of the pointer to the socket in it
}

// run runs a program and returns what it did.
func run(t testing.TB, order binary.ByteOrder, code []byte, s socket) string {
	t.Helper()
	m := &machine{t: t, order: order, areas: map[uint64][]byte{
		atContext: s.context, atSocket: make([]byte, 80), atStack: make([]byte, 512),
	}}
	order.PutUint32(m.areas[atSocket][sockDevice:], s.device)
	order.PutUint32(m.areas[atSocket][sockFamily:], s.family)
	if s.pointer+8 <= uint64(len(s.context)) {
		order.PutUint64(s.context[s.pointer:], atSocket)
	}
	m.registers[r1], m.registers[fp] = atContext, atStack+512
	for at := 0; at >= 0; {
		at = m.step(code, at)
	}
	return strings.Join(append(m.done, fmt.Sprintf("return %d", m.registers[r0])), "; ")
}

// step executes the instruction at an index and returns the next one's, -1 at the end.
func (m *machine) step(code []byte, at int) int {
	b := code[8*at : 8*at+8]
	dst, src := b[1]&15, b[1]>>4
	if m.order == binary.ByteOrder(binary.BigEndian) {
		dst, src = src, dst
	}
	offset, imm := int(int16(m.order.Uint16(b[2:]))), int32(m.order.Uint32(b[4:]))
	r := &m.registers
	taken := false
	switch b[0] {
	case opLoad:
		r[dst] = uint64(m.order.Uint32(m.memory(r[src]+uint64(offset), 4)))
	case opLoadPtr:
		r[dst] = m.order.Uint64(m.memory(r[src]+uint64(offset), 8))
	case opStore:
		m.write(r[dst]+uint64(offset), uint32(r[src]))
	case opStoreImm:
		m.write(r[dst]+uint64(offset), uint32(imm))
	case opSet:
		r[dst] = uint64(uint32(imm))
	case opAnd:
		r[dst] = uint64(uint32(r[dst]) & uint32(imm))
	case opOr:
		r[dst] |= r[src]
	case opCopy:
		r[dst] = r[src]
	case opAdd:
		r[dst] += uint64(int64(imm))
	case opJump:
		taken = true
	case opJumpEqual:
		taken = r[dst] == uint64(int64(imm))
	case opJumpSame:
		taken = r[dst] == r[src]
	case opCall:
		m.call(imm)
	case opExit:
		return -1
	default:
		m.t.Fatalf("instruction %d: unknown code %#x", at, b[0])
	}
	if taken {
		return at + 1 + offset
	}
	return at + 1
}

func (m *machine) memory(address uint64, size int) []byte {
	for base, area := range m.areas {
		if address >= base && address+uint64(size) <= base+uint64(len(area)) {
			return area[address-base:][:size]
		}
	}
	m.t.Fatalf("access to %#x", address)
	return nil
}

// write stores 32 bits and, unless it is the stack, notes what the bytes are then.
func (m *machine) write(address uint64, value uint32) {
	to := m.memory(address, 4)
	m.order.PutUint32(to, value)
	switch {
	case address < atSocket && m.order.Uint32(to) != 0 && len(m.areas[atContext]) == sizeSock:
		m.done = append(m.done, fmt.Sprintf("[%d]=%#x", address-atContext, value))
	case address < atSocket:
		m.done = append(m.done, fmt.Sprintf("[%d]=%x", address-atContext, to))
	}
}

// call notes a call of the kernel's functions; all succeed.
func (m *machine) call(function int32) {
	r := &m.registers
	switch function {
	case funcSetsockopt:
		name := string(m.memory(r[r4], int(r[r5])))
		m.done = append(m.done, fmt.Sprintf("setsockopt %d %d %q", int32(r[r2]), r[r3], strings.TrimRight(name, "\x00")))
	case funcBind:
		m.done = append(m.done, fmt.Sprintf("bind %s", m.sockaddr(m.memory(r[r2], int(r[r3])))))
	case funcSetRetval:
		m.done = append(m.done, unix.ErrnoName(unix.Errno(-int32(r[r1]))))
	default:
		m.t.Fatalf("unknown function %d", function)
	}
	r[r0] = 0
	for i := r1; i <= r5; i++ {
		r[i] = 0xdead << 48
	}
}

func (m *machine) sockaddr(b []byte) string {
	return fmt.Sprintf("%d %x", m.order.Uint16(b), b[2:])
}
