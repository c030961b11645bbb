package alike

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// policy is where the new connections of a policy go: weights by mark.
type policy map[uint32]int

var (
	shareRule = regexp.MustCompile(`^-A (mwan3_policy_\S+) .*--comment "\S+ (\d+) \d+" -j MARK --set-xmark (0x[0-9a-f]+)/`)
	ruleJump  = regexp.MustCompile(`^-A mwan3_rules .*-j (mwan3_policy_\S+)`)
)

// randomPolicies reads from a firewall (iptables-save) the policies that rules send to and that choose at random.
func randomPolicies(text string) map[string]policy {
	policies, used := map[string]policy{}, map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		if words := shareRule.FindStringSubmatch(line); words != nil {
			weight, _ := strconv.Atoi(words[2])
			mark, _ := strconv.ParseUint(words[3], 0, 32)
			if policies[words[1]] == nil {
				policies[words[1]] = policy{}
			}
			policies[words[1]][uint32(mark)] += weight
		}
		if words := ruleJump.FindStringSubmatch(line); words != nil {
			used[words[1]] = true
		}
	}
	for name, p := range policies {
		if len(p) < 2 || !used[name] {
			delete(policies, name)
		}
	}
	return policies
}

// total is the sum of the weights.
func (p policy) total() int {
	total := 0
	for _, weight := range p {
		total += weight
	}
	return total
}

// tries is how many connections show that a choice is random: even the biggest share is not hit so often in a row.
func tries(policies map[string]policy) int {
	need := 1
	for _, p := range policies {
		for _, weight := range p {
			share := float64(weight) / float64(p.total())
			need = max(need, 1+int(math.Log(unlikely)/math.Log(share)))
		}
	}
	return need
}

// folded is the policy as it looks where some packets' marks are unknown: these are all those that were not seen.
func (p policy) folded(seen map[uint32]sight) policy {
	if _, ok := seen[unknown]; !ok {
		return p
	}
	folded := policy{}
	for mark, weight := range p {
		if _, ok := seen[mark]; !ok {
			mark = unknown
		}
		folded[mark] += weight
	}
	return folded
}

// explains tells whether the policy makes such counts of marks: nothing else than its own, and of each as many as by a
// chance that is not below the limit.
func (p policy) explains(counts map[uint32]int, limit float64) bool {
	total := 0
	for mark, count := range counts {
		if p[mark] == 0 {
			return false
		}
		total += count
	}
	for mark, weight := range p {
		if tail(counts[mark], total, float64(weight)/float64(p.total())) < limit {
			return false
		}
	}
	return true
}

// tail is the probability of k or of something farther out, on its side of the mean, among n with probability p each.
func tail(k, n int, p float64) float64 {
	from, to := k, n
	if float64(k) < p*float64(n) {
		from, to = 0, k
	}
	total := 0.0
	for i := from; i <= to; i++ {
		total += math.Exp(choose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return total
}

// choose is the logarithm of the binomial coefficient.
func choose(n, k int) float64 {
	gamma := func(x int) float64 { value, _ := math.Lgamma(float64(x + 1)); return value }
	return gamma(n) - gamma(k) - gamma(n-k)
}
