package judge

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"strings"

	"ipk/target"
)

const (
	mipsFloatABI  = 7     // offset in .MIPS.abiflags (struct Elf_MIPS_ABIFlags_v0)
	mipsSoftFloat = 3     // Val_GNU_MIPS_ABI_FP_SOFT
	armHardFloat  = 0x400 // EF_ARM_ABI_FLOAT_HARD: arguments in the registers of a floating point unit
)

// Program checks that a program runs on a target: class, byte order, machine, float ABI, and that it needs no library of
// the router's.
func Program(body []byte, t target.Target) error {
	file, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer file.Close()
	var errs []error
	if file.Class != t.Class || file.Data != t.Data || file.Machine != t.Machine {
		errs = append(errs, fmt.Errorf("it is for %v, %v, %v; %s is %v, %v, %v",
			file.Class, file.Data, file.Machine, t.Name, t.Class, t.Data, t.Machine))
	}
	if file.Type != elf.ET_EXEC || file.Section(".interp") != nil {
		errs = append(errs, errors.New("it is not static"))
	}
	if file.Section(".symtab") != nil {
		errs = append(errs, errors.New("it is not stripped"))
	}
	return errors.Join(append(errs, floats(body, file), settings(body, t))...)
}

// floats checks what the file says of its float ABI: soft on 32-bit MIPS, and never that of an ARM with hard float. The
// others do not say.
func floats(body []byte, file *elf.File) error {
	if file.Machine == elf.EM_ARM && file.ByteOrder.Uint32(body[0x24:])&armHardFloat != 0 {
		return errors.New("it wants ARM's hard float ABI")
	}
	if file.Machine != elf.EM_MIPS || file.Class != elf.ELFCLASS32 {
		return nil
	}
	section := file.Section(".MIPS.abiflags")
	if section == nil {
		return errors.New("it does not say which float ABI it has")
	}
	flags, err := section.Data()
	if err != nil {
		return err
	}
	if len(flags) <= mipsFloatABI || flags[mipsFloatABI] != mipsSoftFloat {
		return fmt.Errorf("its float ABI is not soft: %x", flags)
	}
	return nil
}

// settings checks what the build has written into the program, GOARM for example, which the file's header does not tell.
func settings(body []byte, t target.Target) error {
	info, err := buildinfo.Read(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("how it was built: %w", err)
	}
	found := map[string]string{}
	for _, setting := range info.Settings {
		found[setting.Key] = setting.Value
	}
	var errs []error
	for _, want := range append([]string{"GOOS=linux", "CGO_ENABLED=0"}, t.Env...) {
		key, value, _ := strings.Cut(want, "=")
		if found[key] != value {
			errs = append(errs, fmt.Errorf("it was built with %s=%s, not with %s", key, found[key], want))
		}
	}
	return errors.Join(errs...)
}
