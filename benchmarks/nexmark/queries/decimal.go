package queries

import "strconv"

// Decimal is an exact decimal with three digits after the point, in thousandths.
type Decimal int64

// euros is a price in dollars times 0.908.
func euros(price int64) Decimal { return Decimal(price * 908) }

// AppendText appends the number with its three digits.
func (d Decimal) AppendText(to []byte) ([]byte, error) {
	if d < 0 {
		to, d = append(to, '-'), -d
	}
	to = append(strconv.AppendInt(to, int64(d/1000), 10), '.')
	fraction := int64(d % 1000)
	return append(to, byte('0'+fraction/100), byte('0'+fraction/10%10), byte('0'+fraction%10)), nil
}
