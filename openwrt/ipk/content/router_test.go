package content

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// box is a root folder with a busybox and stand-ins for what OpenWrt has. Each of them writes into the file log what it
// was asked to do.
type box struct {
	t    *testing.T
	root string
}

const (
	service = `#!/bin/sh
echo "mwan3 $1" >>/log
case "$1" in
enable) : >/etc/rc.d/S19mwan3 ;;
disable) rm -f /etc/rc.d/S19mwan3 ;;
enabled) [ -e /etc/rc.d/S19mwan3 ] ;;
esac
`
	// Where an image is built, the tool runs on the builder's machine and gets the root of the image.
	rcCommon = `echo "rc.common $1 $2 for $IPKG_INSTROOT" >>/log
`
)

// newBox makes a router. Needs to be root: the scripts run where this root is the root.
func newBox(t *testing.T) box {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("running a package's scripts in a root folder of their own needs root")
	}
	b := box{t, t.TempDir()}
	for _, dir := range []string{"etc/rc.d", "tmp", "dev", "var/lock", "usr/lib/opkg/info", "image/etc/init.d"} {
		if err := os.MkdirAll(filepath.Join(b.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.install("busybox", "bin/busybox")
	for _, applet := range []string{"sh", "head", "sed", "rm", "mkdir", "cat", "gzip", "mv", "cp"} {
		if err := os.Symlink("busybox", filepath.Join(b.root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	b.file("lib/functions.sh", "", 0o644)
	b.file("dev/null", "", 0o666)
	b.file("etc/rc.common", rcCommon, 0o755)
	b.file("image/etc/rc.common", rcCommon, 0o755)
	b.file("etc/init.d/rpcd", "#!/bin/sh\necho \"rpcd $1\" >>/log\n", 0o755)
	b.file("bin/ubus", "#!/bin/sh\necho \"ubus $*\" >>/log\n", 0o755)
	b.file("bin/uci", "#!/bin/sh\necho \"uci $*\" >>/log\n", 0o755)
	b.file("log", "", 0o644)
	return b
}

// mwan3 puts the parts of mwan3 there that the scripts call.
func (b box) mwan3(program string) {
	b.file("etc/init.d/mwan3", service, 0o755)
	b.file("usr/sbin/mwan3", program, 0o755)
}

func (b box) file(path, text string, mode os.FileMode) {
	b.t.Helper()
	name := filepath.Join(b.root, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	// No child of another test may be born with this file open for writing: the kernel would not run it then.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		b.t.Fatal(err)
	}
}

var library = regexp.MustCompile(`(/[^ ]+) \(0x`)

// install copies a program of this machine with the libraries that it needs.
func (b box) install(name, path string) {
	b.t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := os.ReadFile(program)
	if err != nil {
		b.t.Fatal(err)
	}
	b.file(path, string(body), 0o755)
	out, _ := exec.Command("ldd", program).CombinedOutput() // fails for a static one, which needs none
	for _, found := range library.FindAllStringSubmatch(string(out), -1) {
		body, err := os.ReadFile(found[1])
		if err != nil {
			b.t.Fatal(err)
		}
		b.file(found[1], string(body), 0o755)
		b.file(filepath.Join("lib", filepath.Base(found[1])), string(body), 0o755)
	}
}

// run runs a command in the box and fails the test if that fails.
func (b box) run(env []string, name string, args ...string) {
	b.t.Helper()
	command := exec.Command(name, args...)
	command.Env = append([]string{"PATH=/bin:/usr/sbin"}, env...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: b.root}
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 && name == "/script" {
		b.t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// script runs one of the package's scripts.
func (b box) script(name string, env []string, args ...string) {
	b.t.Helper()
	scripts, err := Scripts()
	if err != nil {
		b.t.Fatal(err)
	}
	b.file("script", string(scripts[name]), 0o755)
	b.run(env, "/script", args...)
}

// log returns what the stand-ins were asked to do since the last call.
func (b box) log() string {
	b.t.Helper()
	log := b.read("log")
	b.file("log", "", 0o644)
	return log
}

func (b box) read(path string) string {
	b.t.Helper()
	body, err := os.ReadFile(filepath.Join(b.root, path))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(body)
}

func (b box) has(path string) bool {
	_, err := os.Stat(filepath.Join(b.root, path))
	return err == nil
}

func (b box) mode(path string) int64 {
	info, err := os.Stat(filepath.Join(b.root, path))
	if err != nil {
		b.t.Fatal(err)
	}
	return int64(info.Mode().Perm())
}
