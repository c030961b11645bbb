module mwan3

go 1.23.0

require (
	github.com/coreos/go-iptables v0.8.0
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa
	github.com/google/go-cmp v0.7.0
	github.com/rogpeppe/go-internal v1.14.1
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
)

require golang.org/x/sys v0.26.0

require golang.org/x/tools v0.26.0 // indirect
