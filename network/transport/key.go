package transport

import (
	"encoding/binary"
	"fmt"
)

// ChannelKey names a channel between two attempts of a job: no attempt of an older leader, and no other attempt of the
// same subtask, ever has the same.
type ChannelKey struct {
	// Epoch is that of the leader that deployed the two.
	Epoch uint64
	// Edge is its number in the job graph.
	Edge                      int32
	Producer, ProducerAttempt int32
	Consumer, ConsumerAttempt int32
}

// String is for logs and errors.
func (k ChannelKey) String() string {
	return fmt.Sprintf("edge %d, subtask %d (attempt %d) to subtask %d (attempt %d), epoch %d",
		k.Edge, k.Producer, k.ProducerAttempt, k.Consumer, k.ConsumerAttempt, k.Epoch)
}

const openSize = 8 + 5*4 + 4

// appendOpen appends the frame with which a consuming end that calls itself channel offers credits.
func appendOpen(dst []byte, channel uint32, k ChannelKey, credits int) []byte {
	payload := make([]byte, 0, openSize)
	payload = binary.LittleEndian.AppendUint64(payload, k.Epoch)
	for _, n := range []int32{k.Edge, k.Producer, k.ProducerAttempt, k.Consumer, k.ConsumerAttempt, int32(credits)} {
		payload = binary.LittleEndian.AppendUint32(payload, uint32(n))
	}
	return appendFrame(dst, openFrame, channel, payload)
}

func parseOpen(payload []byte) (k ChannelKey, credits int, err error) {
	if len(payload) != openSize {
		return k, 0, malformed("an opening of %d bytes", len(payload))
	}
	k.Epoch = binary.LittleEndian.Uint64(payload)
	next := func(i int) int32 { return int32(binary.LittleEndian.Uint32(payload[8+4*i:])) }
	k.Edge, k.Producer, k.ProducerAttempt, k.Consumer, k.ConsumerAttempt = next(0), next(1), next(2), next(3), next(4)
	if credits = int(next(5)); credits < 1 || credits > MaxCredits {
		return k, 0, malformed("an opening with %d credits", credits)
	}
	return k, credits, nil
}

// MaxCredits bounds how many data frames may wait in one channel.
const MaxCredits = 1 << 12

// eventCredits is how many event frames may wait in a channel beside the data frames, so that barriers and watermarks do
// not wait for the credit of records.
const eventCredits = 32
