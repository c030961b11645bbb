package main

import (
	"mwan3/config"
	"mwan3/reply"
)

// settings are what the config says about an interface.
type settings struct {
	section config.Interface
	mask    config.Mask
}

// String returns the answer of `mwan3 tracking`. Settings with the same make the tracker do the same.
func (s settings) String() string { return reply.Settings{Interface: s.section, Mask: s.mask}.String() }
