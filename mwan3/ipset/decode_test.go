package ipset

import (
	"testing"
)

func FuzzSetMessages(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 8, 0, 2, 0, 'a', 'b', 0, 0, 12, 0, 8, 128, 8, 0, 7, 128, 4, 0, 1, 128})
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, set := range decodeSets([][]byte{message, message}) {
			for _, member := range set.Members {
				if !member.IsValid() {
					t.Errorf("member %v", member)
				}
			}
		}
	})
}
