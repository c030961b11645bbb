package machine

import (
	"strings"
	"testing"

	"qemu/arch"
	"qemu/image"
)

func TestAMachineIsDescribedInQEMUsWords(t *testing.T) {
	t.Parallel()
	a, err := arch.Find("mips")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Arch: a, Image: image.Image{Kernel: "/k", Append: "root=/dev/vda"}, Append: "quiet",
		NICs: []NIC{{Name: "lan", Tap: "t0"}, {Name: "wan", Tap: "t1", MAC: "02:00:00:00:00:07"}},
	}
	args := strings.Join(c.args("/d"), " ")
	for _, want := range []string{
		"-machine malta -cpu 24Kc -accel tcg -smp 1 -m 128", "-nodefaults",
		"-netdev tap,id=lan,fd=3", "-device virtio-net-pci,netdev=lan,id=nic-lan,mac=52:54:00:00:00:01,romfile=,multifunction=on,addr=0x15.0",
		"-netdev tap,id=wan,fd=4", "-device virtio-net-pci,netdev=wan,id=nic-wan,mac=02:00:00:00:00:07,romfile=,multifunction=on,addr=0x12.1",
		"file=/d/disk.qcow2,format=qcow2", "virtserialport,chardev=lab,name=lab",
		"-kernel /k -append console=ttyS0 root=/dev/vda lab.nic=lan/52:54:00:00:00:01 lab.nic=wan/02:00:00:00:00:07 quiet",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in\n%s", want, args)
		}
	}
	if strings.Contains(args, "-initrd") || strings.Contains(args, "kvm") {
		t.Errorf("too much in\n%s", args)
	}
}

func TestADiskThatBootsItselfNeedsNoKernel(t *testing.T) {
	t.Parallel()
	args := strings.Join(Config{Memory: 64, KVM: true, Extra: "/e"}.args("/d"), " ")
	for _, want := range []string{"-accel kvm", "-m 64", "file=/e,format=raw"} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in\n%s", want, args)
		}
	}
	if strings.Contains(args, "-append") {
		t.Errorf("a kernel's command line without a kernel in\n%s", args)
	}
}
