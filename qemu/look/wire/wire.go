// Package wire is what the host and the engine that has a look at a router say to each other: lines of JSON.
package wire

// Request is a line of JSON that the host sends; one of its fields is set.
type Request struct {
	// Run is a line for sh.
	Run string `json:"run,omitempty"`
	// Echo comes back.
	Echo string `json:"echo,omitempty"`
	// Bind is a device that the engine's sockets are tied to with cgroup BPF.
	Bind string `json:"bind,omitempty"`
}

// Answer is the line of JSON that comes back.
type Answer struct {
	Out   string `json:"out"`
	Error string `json:"error,omitempty"`
}
