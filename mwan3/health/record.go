package health

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Status is a tracker's view of its interface (file STATUS).
type Status string

// The words that trackers write, and the one for a file that is missing or empty.
const (
	StatusOnline        Status = "online"
	StatusOffline       Status = "offline"
	StatusDisconnecting Status = "disconnecting" // online, but the last round was bad
	StatusConnecting    Status = "connecting"    // offline, but the last round was good
	StatusDisabled      Status = "disabled"      // the interface is not up: tracking is paused
	StatusUnknown       Status = "unknown"
)

// TargetStatus is what a round said about one target (file TRACK_<host>).
type TargetStatus string

// The words that trackers write, and the one for a file that is missing or empty.
const (
	TargetUp      TargetStatus = "up"
	TargetDown    TargetStatus = "down"
	TargetSkipped TargetStatus = "skipped" // enough others had answered before it
	TargetUnknown TargetStatus = "unknown"
)

// Figures of a target that does not answer.
const (
	DeadLatency = 999999 // milliseconds
	DeadLoss    = 100    // percent
)

// Record is what a tracker has told about its interface. What is missing or unreadable is zero or unknown.
type Record struct {
	Status  Status
	Started bool // false: paused, because the interface is down
	PID     int  // of the tracker that wrote it, which may be gone
	Online  int  // uptime of the router, in seconds, when it came online; 0 = it is not
	Offline int  // likewise
	Time    int  // uptime of the router, in seconds, at the end of the last round
	Lost    int  // failed probes since the last good round
	Score   int
	Turn    int // rounds since it came online or the tracker started
	Figures     // of the last round: means over the targets that it asked; zero before the first
	Targets []Target
}

// Figures are what probes measured (files LATENCY, LOSS and JITTER).
type Figures struct {
	Latency int // milliseconds, average of the answers; DeadLatency without any
	Loss    int // percent
	Jitter  int // milliseconds: by how much one round trip differs from the one before it, on average
}

// Target is what a tracker has told about one of its targets.
type Target struct {
	Host    string // as the config has it
	Status  TargetStatus
	Figures // only with check_quality
}

// Record reads what the tracker of an interface has told; hosts are the targets of the interface, in order.
func (s Store) Record(iface string, hosts []string) Record {
	if checkName("interface", iface) != nil {
		iface = ".none"
	}
	dir := filepath.Join(s.TrackDir, iface)
	record := Record{
		Status:  Status(orUnknown(readValue(dir, "STATUS"))),
		Started: readValue(dir, "STARTED") == "1",
		PID:     readInt(dir, "PID"),
		Online:  readInt(dir, "ONLINE"),
		Offline: readInt(dir, "OFFLINE"),
		Time:    readInt(dir, "TIME"),
		Lost:    readInt(dir, "LOST"),
		Score:   readInt(dir, "SCORE"),
		Turn:    readInt(dir, "TURN"),
		Figures: readFigures(dir, ""),
	}
	for _, host := range hosts {
		record.Targets = append(record.Targets, readTarget(dir, host))
	}
	return record
}

func readTarget(dir, host string) Target {
	if checkName("target", host) != nil {
		return Target{Host: host, Status: TargetUnknown}
	}
	return Target{
		Host:    host,
		Status:  TargetStatus(orUnknown(readValue(dir, "TRACK_"+host))),
		Figures: readFigures(dir, "_"+host),
	}
}

// readFigures reads those of a target, or of the interface when the suffix is empty.
func readFigures(dir, suffix string) Figures {
	return Figures{readInt(dir, "LATENCY"+suffix), readInt(dir, "LOSS"+suffix), readInt(dir, "JITTER"+suffix)}
}

func orUnknown(word string) string {
	if word == "" {
		return "unknown"
	}
	return word
}

// TrackerPID returns the process that tracks the interface now. A number left behind by a tracker that has ended, and
// belongs to another program by now, does not count.
func (s Store) TrackerPID(iface string) (int, bool) {
	if checkName("interface", iface) != nil {
		return 0, false
	}
	pid := readInt(filepath.Join(s.TrackDir, iface), "PID")
	if pid == 0 || !isTracker(pid, iface) {
		return 0, false
	}
	return pid, true
}

// GoesBy tells whether a process is the interface's tracker and goes by an answer of `mwan3 tracking`. It does not while it
// asks anew, and one that has just been started does not yet.
func (s Store) GoesBy(iface string, pid int, answer string) bool {
	if checkName("interface", iface) != nil {
		return false
	}
	dir := filepath.Join(s.TrackDir, iface)
	return readInt(dir, "PID") == pid && holds(dir, settingsFile, answer)
}

// isTracker looks at the last two words of the process's command line: upstream's tracker has its shell before them.
func isTracker(pid int, iface string) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return false
	}
	words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	last := len(words) - 1
	return last >= 1 && words[last] == iface && filepath.Base(words[last-1]) == "mwan3track"
}
