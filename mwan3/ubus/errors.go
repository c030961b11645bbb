package ubus

import "errors"

// Cause tells why a question stays without an answer. Compare with errors.Is.
type Cause string

// The causes.
const (
	NoDaemon Cause = "ubusd is not there"            // no socket, or nobody accepts
	NoObject Cause = "no such object"                // the service behind it does not run (yet)
	NoAnswer Cause = "no answer"                     // the context ended first
	Lost     Cause = "connection lost"               // ubusd went away; Dial again and ask again
	Garbled  Cause = "what was received is not ubus" // the connection is of no use any more
	Unsent   Cause = "the question cannot be sent"   // a value that blobmsg does not have, or too much of it
)

// Error returns the cause in words.
func (c Cause) Error() string { return string(c) }

// Passing tells whether the error may go away by itself: ubusd or the service that was asked is restarting, or slow.
// Such an error says nothing about the router: nobody may take anything down because of it.
func Passing(err error) bool {
	for _, cause := range [...]Cause{NoDaemon, NoObject, NoAnswer, Lost} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// Status is the code with which ubusd or the service that was asked ends its answer. Compare with errors.Is.
type Status uint32

// The status codes (ubusmsg.h).
const (
	StatusOK Status = iota
	StatusInvalidCommand
	StatusInvalidArgument
	StatusMethodNotFound
	StatusNotFound
	StatusNoData
	StatusPermissionDenied
	StatusTimeout
	StatusNotSupported
	StatusUnknownError
	StatusConnectionFailed
	StatusNoMemory
	StatusParseError
	StatusSystemError
)

// Error returns the status in words.
func (s Status) Error() string {
	words := [...]string{"success", "invalid command", "invalid argument", "method not found", "not found", "no data",
		"permission denied", "timed out", "not supported", "unknown error", "connection failed", "out of memory",
		"parse error", "system error"}
	if int64(s) < int64(len(words)) {
		return words[s]
	}
	return "unknown status"
}
