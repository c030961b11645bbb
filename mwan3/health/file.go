package health

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxValue is more than any value that these files hold; of a longer one the rest is not read.
const maxValue = 64

// checkName refuses what would leave its directory or hide in it: names of interfaces and targets become file names.
func checkName(kind, name string) error {
	if name == "" || len(name) > 240 || name[0] == '.' || strings.ContainsAny(name, "/\x00\n") {
		return fmt.Errorf("%s %q cannot be a file name", kind, name)
	}
	return nil
}

// file is a status file that is written again and again.
//
// Trackers do this in each round for months: it keeps its names as the kernel wants them, with a zero at the end, and
// leaves no garbage, where os.WriteFile and os.Rename would make the collector run.
type file struct {
	path, temp []byte
	value      []byte // as last written, without the newline
	known      bool   // value is what the file holds
	text       []byte // for the value with its newline
}

// newFile prepares a file that may exist or not. The temporary file stands beside it because a rename needs the same file
// system; as its name begins with a dot and belongs to this one file, patterns like TRACK_* do not meet it and a killed
// writer leaves at most one, which the next write uses up.
func newFile(dir, name string) *file {
	return &file{path: []byte(dir + "/" + name + "\x00"), temp: []byte(dir + "/." + name + "\x00")}
}

// replace gives a file a new value at once: a reader sees the old one or the new one, never a part.
func (f *file) replace(value []byte) error {
	f.known = false
	f.text = append(append(f.text[:0], value...), '\n')
	err := create(f.temp, f.text)
	if err == nil {
		err = rename(f.temp, f.path)
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: string(f.path[:len(f.path)-1]), Err: err}
	}
	f.value, f.known = append(f.value[:0], value...), true
	return nil
}

func create(path, text []byte) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC | unix.O_CLOEXEC
	fd, err := openFile(path, flags, 0o644)
	if err != nil {
		return err
	}
	n, err := unix.Write(fd, text)
	if err == nil && n < len(text) {
		err = unix.ENOSPC
	}
	if closed := unix.Close(fd); err == nil {
		err = closed
	}
	return err
}

// openFile is unix.Open for a path that ends with a zero.
func openFile(path []byte, flags, mode uintptr) (int, error) {
	at := unix.AT_FDCWD
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&path[0])), flags, mode, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// rename is unix.Rename for paths that end with a zero.
func rename(from, to []byte) error {
	at := unix.AT_FDCWD
	_, _, errno := unix.Syscall6(unix.SYS_RENAMEAT2, uintptr(at), uintptr(unsafe.Pointer(&from[0])),
		uintptr(at), uintptr(unsafe.Pointer(&to[0])), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// peek reads the beginning of a file into buf and returns what it has read, nil when there is nothing to be had. It waits
// for nobody, and with bare system calls takes a third of the time of os.ReadFile: a status reads a thousand files.
func peek(dir, name string, buf []byte) []byte {
	fd, err := unix.Open(dir+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil || n < 0 {
		return nil
	}
	return buf[:n]
}

// readValue returns the first line of a file without blanks around it, empty when there is none to be had.
func readValue(dir, name string) string {
	var buf [maxValue]byte
	line, _, _ := strings.Cut(string(peek(dir, name, buf[:])), "\n")
	return strings.TrimSpace(line)
}

// holds tells whether a file holds a text, which is not empty, and nothing else.
func holds(dir, name, text string) bool {
	return string(peek(dir, name, make([]byte, len(text)+1))) == text
}

// readInt returns a file's number, 0 when it holds none. Numbers fit into the 32 bits that ubus has for them.
func readInt(dir, name string) int {
	n, err := strconv.ParseInt(readValue(dir, name), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}
