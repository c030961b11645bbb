module qemu

go 1.25.0

require (
	e2e v0.0.0
	github.com/vishvananda/netlink v1.3.1
	golang.org/x/sys v0.26.0
	ipk v0.0.0
	mwan3 v0.0.0
)

require (
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
)

replace (
	e2e => ../e2e
	ipk => ../openwrt/ipk
	mwan3 => ../mwan3
)
