module e2e

go 1.25.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/rogpeppe/go-internal v1.16.0
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/sys v0.26.0
	ipk v0.0.0
	mwan3 v0.0.0
)

require (
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa // indirect
	golang.org/x/tools v0.26.0 // indirect
)

replace (
	ipk => ../openwrt/ipk
	mwan3 => ../mwan3
)
