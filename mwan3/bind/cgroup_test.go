package bind

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOurCgroupIsMadeInTheProcessesOwn(t *testing.T) {
	const (
		plain  = "29 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid = "30 22 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n31 22 0:28 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
		part   = "29 22 0:26 /machine/one /sys/fs/cgroup rw - cgroup2 none rw\n"
	)
	for _, tt := range []struct {
		name, mounts, own string
		want              []string
	}{
		{"at the root", plain, "0::/\n", []string{"/sys/fs/cgroup"}},
		{"of a service", plain, "0::/services/cron/instance1\n", []string{"/sys/fs/cgroup/services/cron/instance1"}},
		{"beside one of ours", plain, "0::/services/cron/mwan3-use-123\n", []string{"/sys/fs/cgroup/services/cron"}},
		{"beside one of ours at the root", plain, "0::/mwan3-use-123\n", []string{"/sys/fs/cgroup"}},
		{"with cgroups of version 1", hybrid, "4:memory:/a\n1:name=systemd:/b\n0::/user\n", []string{"/sys/fs/cgroup/unified/user"}},
		{"in a container that sees its part", part, "0::/machine/one/app\n", []string{"/sys/fs/cgroup/app"}},
		{"at the root of that part", part, "0::/machine/one\n", []string{"/sys/fs/cgroup"}},
		{"in a part that is not mounted", part, "0::/machine/oneself\n", []string{"/sys/fs/cgroup"}},
		{"outside of the namespace", plain, "0::/../other\n", []string{"/sys/fs/cgroup/other"}},
		{"mounted twice", plain + part, "0::/a\n", []string{"/sys/fs/cgroup/a", "/sys/fs/cgroup"}},
		{"not mounted", "22 1 0:21 / /proc rw - proc proc rw\n", "0::/\n", nil},
		{"version 1 only", hybrid, "4:memory:/a\n", []string{"/sys/fs/cgroup/unified"}},
		{"odd lines", "- cgroup2 \n\n1 2 3 - cgroup2 a b\n", "0:\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, candidates(tt.mounts, tt.own)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzCandidatesAreAbsolute(f *testing.F) {
	f.Add("29 22 0:26 / /sys/fs/cgroup rw - cgroup2 none rw", "0::/a")
	f.Add("29 22 0:26 /b /sys/fs/cgroup rw - cgroup2 none rw", "0::/../..")
	f.Fuzz(func(t *testing.T, mounts, own string) {
		for _, dir := range candidates(mounts, own) {
			if dir == "" {
				t.Errorf("an empty directory from %q and %q", mounts, own)
			}
		}
	})
}
