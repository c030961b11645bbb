// Package syslog writes the lines that `logread` shows to the person on the router. A Logger speaks to the system
// log's socket as busybox and logd expect; where there is none, its lines go to stderr. Logging never fails and
// never waits: a line that the system log does not take goes to stderr, too.
//
// The standard library's log/syslog would add 130 KiB to a compressed MIPS binary and dial only once.
package syslog

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Severity is how important a line is, with the numbers of RFC 5424.
type Severity uint8

// The severities in use.
const (
	Err     Severity = 3
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
)

// facilityUser is the facility user of RFC 5424, already in its place.
const facilityUser = 1 << 3

// Logger writes lines under one tag.
type Logger struct {
	tag    string // with the process id: tag[pid]
	socket int    // -1 where there is none
	path   syscall.SockaddrUnix
	stderr io.Writer
}

// New returns a Logger whose lines carry the program's name (or upstream's name for that part of it) and its pid.
func New(tag string) *Logger { return open(tag, "/dev/log", os.Stderr) }

func open(tag, path string, stderr io.Writer) *Logger {
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		socket = -1
	}
	return &Logger{
		tag:    tag + "[" + strconv.Itoa(os.Getpid()) + "]",
		socket: socket,
		path:   syscall.SockaddrUnix{Name: path},
		stderr: stderr,
	}
}

// Info writes details. Its arguments, like those of Notice, Warn and Err, are those of fmt.Sprintf.
func (l *Logger) Info(format string, args ...any) { l.printf(Info, format, args) }

// Notice writes what happened.
func (l *Logger) Notice(format string, args ...any) { l.printf(Notice, format, args) }

// Warn writes what is wrong but does not stop anything.
func (l *Logger) Warn(format string, args ...any) { l.printf(Warning, format, args) }

// Err writes what did not work.
func (l *Logger) Err(format string, args ...any) { l.printf(Err, format, args) }

func (l *Logger) printf(severity Severity, format string, args []any) {
	l.Write(severity, fmt.Sprintf(format, args...))
}

// Write writes a text as it is, in one line.
func (l *Logger) Write(severity Severity, text string) {
	text = oneLine(text)
	if l.send(severity, text) != nil {
		fmt.Fprintf(l.stderr, "%s: %s\n", l.tag, text)
	}
}

// send names the socket each time, so that a system log that was restarted is found again.
func (l *Logger) send(severity Severity, text string) error {
	if l.socket < 0 {
		return syscall.EBADF
	}
	line := fmt.Sprintf("<%d>%s %s: %s", facilityUser|severity, time.Now().Format(time.Stamp), l.tag, text)
	return syscall.Sendto(l.socket, []byte(line), 0, &l.path)
}

// oneLine keeps a text from looking like several lines, or like something else than text.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimRight(text, "\n"))
}
