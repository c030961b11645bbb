package image

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qemu/arch"
)

func TestModulesComeAfterWhatTheyNeed(t *testing.T) {
	t.Parallel()
	needs := dependencies(`kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko
kernel/fs/jbd2/jbd2.ko: kernel/lib/crc16.ko
kernel/lib/crc16.ko:
kernel/sound/horn.ko:
`)
	got := choose(needs, []string{"fs/ext4/", "fs/"})
	want := []string{"kernel/lib/crc16.ko", "kernel/fs/jbd2/jbd2.ko", "kernel/fs/ext4/ext4.ko"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLinksAndListsOfFilesDoNotContradictEachOther(t *testing.T) {
	t.Parallel()
	for _, a := range arch.All() {
		all := links(a)
		for name, target := range all {
			if strings.HasPrefix(name, "/") || filepath.Clean(name) != name {
				t.Errorf("%s: odd link %q", a.Name, name)
			}
			if a.Debian != "" && slices.Contains(programs(), "/"+name) {
				t.Errorf("%s: %s is a program and a link to %s", a.Name, name, target)
			}
		}
		for _, name := range []string{"sbin/init", "sbin/modprobe", "bin/sh", "sbin/ip", "usr/sbin/iptables", "usr/sbin/ip6tables-restore", "var", "run"} {
			if all[name] == "" {
				t.Errorf("%s: no link %s", a.Name, name)
			}
		}
	}
}

func TestOurFilesCanBeRun(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := writeOurs(folder); err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join(folder, "usr/libexec/*"))
	if err != nil || len(scripts) != 3 {
		t.Fatalf("%q, %v", scripts, err)
	}
	table, err := os.ReadFile(filepath.Join(folder, "etc/inittab"))
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		if info, err := os.Stat(script); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", script, info.Mode(), err)
		}
		if name := strings.TrimPrefix(script, folder); !strings.Contains(string(table), ":"+name+"\n") {
			t.Errorf("init does not run %s", name)
		}
	}
}

// The format is the kernel's: headers of 110 characters, everything aligned to four bytes.
func TestAnArchiveIsWhatTheKernelUnpacks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &archive{to: &out}
	a.add("init", cpioFile|0o755, 0, "#!x")
	a.add("dev/console", cpioDevice|0o600, 5<<8|1, "")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := "070701" + "00000001" + "000081ed" + "00000000" + "00000000" + "00000001" + "00000000" + "00000003" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000005" + "00000000" + "init\x00\x00" + "#!x\x00"
	if got := out.String()[:len(want)]; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if out.Len()%4 != 0 || !strings.Contains(out.String(), "0000000500000001") || !strings.Contains(out.String(), "TRAILER!!!\x00") {
		t.Errorf("odd archive %q", out.String())
	}
}

func TestAFileIsFoundThroughTheOtherMachinesLinksAndInBothPlaces(t *testing.T) {
	t.Parallel()
	s := sysroot{folder: t.TempDir()}
	for name, target := range map[string]string{"lib64/ld.so": "/lib/x/ld.so", "usr/bin/a": "b"} {
		if err := symlink(target, filepath.Join(s.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lib/x/ld.so", "usr/bin/b", "sbin/tc"} {
		full := filepath.Join(s.folder, name)
		if err := makeWay(full); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"/lib64/ld.so": "/lib/x/ld.so", "/bin/a": "/usr/bin/b", "/usr/sbin/tc": "/sbin/tc"} {
		if got, err := s.resolve(name); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	if _, err := s.resolve("/bin/none"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestCopiesKeepLinksModesAndTimesAndReplaceLinks(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	victim := filepath.Join(to, "victim")
	for _, err := range []error{
		os.WriteFile(filepath.Join(from, "a"), []byte("new"), 0o755), os.Symlink("a", filepath.Join(from, "l")),
		os.WriteFile(victim, []byte("old"), 0o644), os.Symlink("victim", filepath.Join(to, "a")), copyTree(from, to),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(victim)
	if err != nil || string(text) != "old" {
		t.Errorf("the link was written through: %q, %v", text, err)
	}
	info, err := os.Lstat(filepath.Join(to, "a"))
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if link, err := os.Lstat(filepath.Join(to, "l")); err != nil || link.Mode().Type() != fs.ModeSymlink {
		t.Errorf("%v, %v", link, err)
	}
}

func TestSettingsAreSwitchedOnWhateverTheyWere(t *testing.T) {
	t.Parallel()
	got := set("CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x\"\n", []string{"B", "C"})
	if want := "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
