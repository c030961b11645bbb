package bind

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// register is one of the BPF machine's. r0 holds results, r1…r5 arguments, which a call destroys; r6…r9 survive it.
type register uint8

const (
	r0 register = iota
	r1
	r2
	r3
	r4
	r5
	ctx           // r6: every program keeps its context there
	fp  = r0 + 10 // the end of the stack
)

// instruction is a struct bpf_insn (linux/bpf.h).
type instruction struct {
	code     uint8
	dst, src register
	off      int16
	imm      int32
}

// Instructions that x/sys has no name for as a whole: class, size or operation, and source (linux/bpf.h).
const (
	opLoad      = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W
	opLoadPtr   = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_DW
	opStore     = unix.BPF_STX | unix.BPF_MEM | unix.BPF_W
	opStoreImm  = unix.BPF_ST | unix.BPF_MEM | unix.BPF_W
	opSet       = unix.BPF_ALU | unix.BPF_MOV | unix.BPF_K // clears the upper half
	opAnd       = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opOr        = unix.BPF_ALU64 | unix.BPF_OR | unix.BPF_X
	opCopy      = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X
	opAdd       = unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K
	opJump      = unix.BPF_JMP | unix.BPF_JA
	opJumpEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opJumpSame  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_X
	opCall      = unix.BPF_JMP | unix.BPF_CALL
	opExit      = unix.BPF_JMP | unix.BPF_EXIT
)

// assembler collects a program's instructions. Jumps lead forward, to labels that are set later.
type assembler struct {
	order binary.ByteOrder // of the machine that runs the program
	text  []instruction
	jumps map[string][]int // where to each label is jumped from
}

func newAssembler(order binary.ByteOrder) *assembler {
	return &assembler{order: order, jumps: map[string][]int{}}
}

// add is inlined nowhere: it would be everywhere.
//
//go:noinline
func (a *assembler) add(i instruction) { a.text = append(a.text, i) }

// load reads 32 bits at base + offset.
func (a *assembler) load(dst, base register, offset int16) {
	a.add(instruction{code: opLoad, dst: dst, src: base, off: offset})
}

// loadPointer reads a pointer, 64 bits on every machine.
func (a *assembler) loadPointer(dst, base register, offset int16) {
	a.add(instruction{code: opLoadPtr, dst: dst, src: base, off: offset})
}

// store writes 32 bits to base + offset.
func (a *assembler) store(base register, offset int16, src register) {
	a.add(instruction{code: opStore, dst: base, src: src, off: offset})
}

// storeBytes writes bytes, a multiple of four of them, to the stack and makes r a pointer to them. offset is negative.
func (a *assembler) storeBytes(r register, offset int16, b []byte) {
	for i := 0; i < len(b); i += 4 {
		word := int32(a.order.Uint32(b[i:]))
		a.add(instruction{code: opStoreImm, dst: fp, off: offset + int16(i), imm: word})
	}
	a.copy(r, fp)
	a.add(instruction{code: opAdd, dst: r, imm: int32(offset)})
}

func (a *assembler) set(dst register, value uint32) {
	a.add(instruction{code: opSet, dst: dst, imm: int32(value)})
}

func (a *assembler) copy(dst, src register) {
	a.add(instruction{code: opCopy, dst: dst, src: src})
}

// and keeps the bits of a mask, in 32 bits.
func (a *assembler) and(dst register, mask uint32) {
	a.add(instruction{code: opAnd, dst: dst, imm: int32(mask)})
}

func (a *assembler) or(dst, src register) {
	a.add(instruction{code: opOr, dst: dst, src: src})
}

func (a *assembler) jump(label string) {
	a.jumpFrom(label)
	a.add(instruction{code: opJump})
}

// jumpEqual jumps if the register is the value. It destroys r0.
func (a *assembler) jumpEqual(r register, value uint32, label string) {
	if int32(value) >= 0 {
		a.jumpFrom(label)
		a.add(instruction{code: opJumpEqual, dst: r, imm: int32(value)})
		return
	}
	a.set(r0, value) // as an operand of the comparison its sign would be extended to 64 bits
	a.jumpFrom(label)
	a.add(instruction{code: opJumpSame, dst: r, src: r0})
}

func (a *assembler) jumpFrom(label string) {
	a.jumps[label] = append(a.jumps[label], len(a.text))
}

// label makes the next instruction the destination of the jumps to label so far. It tells whether there were any: the
// kernel refuses programs with instructions that nothing leads to.
func (a *assembler) label(label string) bool {
	from := a.jumps[label]
	for _, at := range from {
		a.text[at].off = int16(len(a.text) - at - 1)
	}
	delete(a.jumps, label)
	return len(from) > 0
}

// call calls a function of the kernel with what is in r1…r5.
func (a *assembler) call(function int32) {
	a.add(instruction{code: opCall, imm: function})
}

// finish ends the program with a result.
func (a *assembler) finish(result uint32) {
	a.set(r0, result)
	a.add(instruction{code: opExit})
}

// bytes returns the program as the kernel reads it. The two registers share a byte, the first in the half that the
// machine calls low.
func (a *assembler) bytes() []byte {
	code := make([]byte, 0, 8*len(a.text))
	big := a.order.Uint16([]byte{0, 1}) == 1
	for _, i := range a.text {
		registers := uint8(i.src<<4 | i.dst)
		if big {
			registers = uint8(i.dst<<4 | i.src)
		}
		var b [8]byte
		b[0], b[1] = i.code, registers
		a.order.PutUint16(b[2:], uint16(i.off))
		a.order.PutUint32(b[4:], uint32(i.imm))
		code = append(code, b[:]...)
	}
	return code
}
