package jinja

import (
	"crypto/sha512"
	"math/big"
	"math/bits"
)

// mersenne is Python's random.Random: MT19937, so that a seeded random or
// shuffle gives what it gives in Ansible.
type mersenne struct {
	state [624]uint32
	next  int
}

// newMersenne seeds as Python does: with a number, or with text through SHA-512.
func newMersenne(seed any) *mersenne {
	n := new(big.Int)
	switch s := seed.(type) {
	case string:
		sum := sha512.Sum512([]byte(s))
		n.SetBytes(append([]byte(s), sum[:]...))
	default:
		if x, ok := toNum(seed); ok && x.isInt() {
			n.Abs(x.big())
		} else {
			return newMersenne(Str(seed))
		}
	}
	mask := big.NewInt(1<<32 - 1)
	var key []uint32
	for n.Sign() > 0 || len(key) == 0 {
		key = append(key, uint32(new(big.Int).And(n, mask).Uint64())) //nolint:gosec // masked
		n.Rsh(n, 32)
	}
	m := &mersenne{next: 624}
	m.init(key)
	return m
}

func (m *mersenne) init(key []uint32) {
	s := &m.state
	s[0] = 19650218
	for i := 1; i < len(s); i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i) //nolint:gosec // below 624
	}
	i, j := 1, 0
	turn := func() {
		if i++; i >= len(s) {
			s[0] = s[len(s)-1]
			i = 1
		}
	}
	for range max(len(s), len(key)) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j) //nolint:gosec // below len(key)
		turn()
		if j++; j >= len(key) {
			j = 0
		}
	}
	for range len(s) - 1 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i) //nolint:gosec // below 624
		turn()
	}
	s[0] = 1 << 31
}

func (m *mersenne) uint32() uint32 {
	if m.next >= len(m.state) {
		s := &m.state
		for i := range s {
			y := s[i]&(1<<31) | s[(i+1)%len(s)]&(1<<31-1)
			s[i] = s[(i+397)%len(s)] ^ y>>1
			if y&1 != 0 {
				s[i] ^= 0x9908b0df
			}
		}
		m.next = 0
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below is a number from 0 up to n, without n.
func (m *mersenne) below(n int) int {
	k := bits.Len(uint(n)) //nolint:gosec // n is not negative
	for {
		var r uint64
		if k <= 32 {
			r = uint64(m.uint32() >> (32 - k))
		} else {
			r = uint64(m.uint32()) | uint64(m.uint32()>>(64-k))<<32
		}
		if r < uint64(n) { //nolint:gosec // as above
			return int(r) //nolint:gosec // below n
		}
	}
}
