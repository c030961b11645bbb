module mwan3track

go 1.23.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	mwan3 v0.0.0
)

require (
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa // indirect
	golang.org/x/sys v0.26.0 // indirect
)

replace mwan3 => ../mwan3
