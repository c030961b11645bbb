package judge

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ipk/target"
)

// compile compiles a program that prints a version, as go build does for these settings.
func compile(t *testing.T, env ...string) []byte {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"main.go": "package main\n\nfunc main() { println(\"3.0.0\") }\n",
		"go.mod":  "module tiny\n\ngo 1.23.0\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "tiny", ".")
	command.Dir = folder
	command.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	body, err := os.ReadFile(filepath.Join(folder, "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func find(t *testing.T, name string) target.Target {
	t.Helper()
	found, err := target.Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func TestAProgramOfAnotherProcessorIsRefused(t *testing.T) {
	t.Parallel()
	mips := compile(t, find(t, "mips").Env...)
	for _, test := range []struct{ target, want string }{
		{"mips", ""},
		{"mipsle", `it is for ELFCLASS32, ELFDATA2MSB, EM_MIPS; mipsle is ELFCLASS32, ELFDATA2LSB, EM_MIPS
it was built with GOARCH=mips, not with GOARCH=mipsle`},
		{"mips64", `it is for ELFCLASS32, ELFDATA2MSB, EM_MIPS; mips64 is ELFCLASS64, ELFDATA2MSB, EM_MIPS
it was built with GOARCH=mips, not with GOARCH=mips64
it was built with GOMIPS64=, not with GOMIPS64=softfloat`},
	} {
		if got := text(Program(mips, find(t, test.target))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.target, got, test.want)
		}
	}
}

func TestAProgramThatWantsAFloatingPointUnitIsRefused(t *testing.T) {
	t.Parallel()
	got := text(Program(compile(t, "GOARCH=mips", "GOMIPS=hardfloat"), find(t, "mips")))
	if !strings.HasPrefix(got, "its float ABI is not soft: ") ||
		!strings.HasSuffix(got, "\nit was built with GOMIPS=hardfloat, not with GOMIPS=softfloat") {
		t.Error(got)
	}
	arm5 := compile(t, find(t, "arm5").Env...)
	if err := Program(arm5, find(t, "arm5")); err != nil {
		t.Error(err)
	}
	got = text(Program(arm5, find(t, "arm7")))
	if want := "it was built with GOARM=5, not with GOARM=7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	arm5[0x25] |= armHardFloat >> 8
	got = text(Program(arm5, find(t, "arm5")))
	if want := "it wants ARM's hard float ABI"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What the file says and what the build has written into it are looked at apart: either alone is enough to refuse.
func TestAProgramIsRefusedForEachThingThatItSays(t *testing.T) {
	t.Parallel()
	mips := find(t, "mips")
	program := compile(t, mips.Env...)
	replace := func(old, with string) func([]byte) []byte {
		return func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(with)) }
	}
	set := func(at int, value byte) func([]byte) []byte {
		return func(body []byte) []byte { body[at] = value; return body }
	}
	for name, test := range map[string]struct {
		spoil func(body []byte) []byte
		want  string
	}{
		"no ELF":             {set(0, 0), "bad magic number"},
		"another machine":    {set(0x13, byte(elf.EM_PPC)), "it is for ELFCLASS32, ELFDATA2MSB, EM_PPC; mips is ELFCLASS32, ELFDATA2MSB, EM_MIPS"},
		"position":           {set(0x11, byte(elf.ET_DYN)), "it is not static"},
		"an interpreter":     {replace(".typelink\x00", ".interp\x00\x00\x00"), "it is not static"},
		"symbols":            {replace(".typelink\x00", ".symtab\x00\x00\x00"), "it is not stripped"},
		"a floating unit":    {spoilABI, "its float ABI is not soft: "},
		"no float ABI":       {replace(".MIPS.abiflags", ".MIPS.abiflagz"), "it does not say which float ABI it has"},
		"a hard float build": {replace("GOMIPS=softfloat", "GOMIPS=hardfloat"), "it was built with GOMIPS=hardfloat, not with GOMIPS=softfloat"},
		"another byte order": {replace("GOARCH=mips\n", "GOARCH=mipl\n"), "it was built with GOARCH=mipl, not with GOARCH=mips"},
		"a build with cgo":   {replace("CGO_ENABLED=0", "CGO_ENABLED=1"), "it was built with CGO_ENABLED=1, not with CGO_ENABLED=0"},
		"another system":     {replace("GOOS=linux", "GOOS=plan9"), "it was built with GOOS=plan9, not with GOOS=linux"},
		"no build settings":  {replace("\xff Go buildinf:", "\xff Go buildinF:"), "how it was built: "},
	} {
		got := text(Program(test.spoil(bytes.Clone(program)), mips))
		if !strings.HasPrefix(got, test.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// spoilABI makes a MIPS program say that it uses double precision registers.
func spoilABI(body []byte) []byte {
	file, err := elf.NewFile(bytes.NewReader(body))
	if err == nil {
		body[file.Section(".MIPS.abiflags").Offset+mipsFloatABI] = 1 // Val_GNU_MIPS_ABI_FP_DOUBLE
	}
	return body
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
