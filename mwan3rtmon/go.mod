module mwan3rtmon

go 1.23.0

require mwan3 v0.0.0

require (
	github.com/vishvananda/netlink v1.3.1 // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
	golang.org/x/sys v0.26.0 // indirect
)

replace mwan3 => ../mwan3
