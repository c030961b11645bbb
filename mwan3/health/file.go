package health

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// replace gives a file a new value at once: a reader sees the old one or the new one, never a part. The temporary
// file stands beside it because a rename needs the same file system; as its name begins with a dot and belongs to
// this one file, patterns like TRACK_* do not meet it and a killed writer leaves at most one, which the next write uses up.
//
// Trackers do this in each round for months: it is written with bare system calls, which leave a tenth of the garbage
// that os.WriteFile does.
func replace(dir, name, value string) error {
	path, temp := dir+"/"+name, dir+"/."+name
	if err := create(temp, value+"\n"); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	if err := syscall.Rename(temp, path); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

func create(path, text string) error {
	const flags = syscall.O_WRONLY | syscall.O_CREAT | syscall.O_TRUNC | syscall.O_CLOEXEC
	fd, err := syscall.Open(path, flags, 0o644)
	if err != nil {
		return err
	}
	n, err := syscall.Write(fd, []byte(text))
	if err == nil && n < len(text) {
		err = syscall.ENOSPC
	}
	if closed := syscall.Close(fd); err == nil {
		err = closed
	}
	return err
}

// readValue returns the first line of a file without blanks around it, empty when there is none to be had.
func readValue(dir, name string) string {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	defer file.Close()
	var buf [maxValue]byte
	n, err := io.ReadFull(file, buf[:])
	if err != nil && err != io.ErrUnexpectedEOF {
		return ""
	}
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	return strings.TrimSpace(line)
}

// readInt returns a file's number, 0 when it holds none. Numbers fit into the 32 bits that ubus has for them.
func readInt(dir, name string) int {
	n, err := strconv.ParseInt(readValue(dir, name), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}
