package deflate

import (
	"cmp"
	"math/bits"
	"slices"
)

// lengths are the lengths of Huffman codes for symbols of the given frequencies, 0 for one that does not occur, with
// at most so many bits. Where the best codes are longer, frequencies are brought nearer to each other until they
// are not: it costs less than a bit in a thousand, and few lines.
func lengths(counts []int, most int) []byte {
	out := make([]byte, len(counts))
	for flat := uint(0); ; flat++ {
		type node struct {
			weight      int
			symbol      int // -1 for an inner one
			left, right int
		}
		var nodes []node
		for symbol, n := range counts {
			if n > 0 {
				nodes = append(nodes, node{weight: n>>flat + 1, symbol: symbol})
			}
		}
		switch len(nodes) {
		case 0:
			out[0] = 1 // a code must be there, though nothing is coded
			return out
		case 1:
			out[nodes[0].symbol] = 1
			return out
		}
		slices.SortStableFunc(nodes, func(a, b node) int { return cmp.Compare(a.weight, b.weight) })
		// Two queues: the leaves by weight, and the inner nodes, which come to be in the order of their weights.
		leaf, inner, leaves := 0, len(nodes), len(nodes)
		lightest := func() int {
			if leaf < leaves && (inner >= len(nodes) || nodes[leaf].weight <= nodes[inner].weight) {
				leaf++
				return leaf - 1
			}
			inner++
			return inner - 1
		}
		for len(nodes) < 2*leaves-1 {
			a := lightest()
			b := lightest()
			nodes = append(nodes, node{nodes[a].weight + nodes[b].weight, -1, a, b})
		}
		depth := make([]int, len(nodes))
		deepest := 0
		for i := len(nodes) - 1; i >= leaves; i-- {
			depth[nodes[i].left], depth[nodes[i].right] = depth[i]+1, depth[i]+1
		}
		for i := range leaves {
			out[nodes[i].symbol] = byte(min(depth[i], 255))
			deepest = max(deepest, depth[i])
		}
		if deepest <= most {
			return out
		}
	}
}

// codes sets the canonical codes of the given lengths (RFC 1951, 3.2.2).
func codes(out []symbol, lengths []byte) {
	var often [maxBits + 2]uint32
	for _, n := range lengths {
		if n > 0 {
			often[n]++
		}
	}
	var next [maxBits + 2]uint32
	for n := 1; n <= maxBits; n++ {
		next[n+1] = (next[n] + often[n]) << 1
	}
	for i, n := range lengths {
		if n > 0 {
			out[i] = symbol{bits.Reverse32(next[n]) >> (32 - n), n}
			next[n]++
		}
	}
}
