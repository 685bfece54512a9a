package randomgraph

// op is what a node does. Those that end in End emit when their input has ended, those that end in Each for each record.
type op int

const (
	opCollection op = iota
	opGenerator

	opConvert  // map to another type
	opMap      // map of the value
	opMapMark  // map of the mark
	opMapErr   // map with an error result
	opMapWith  // map by a function of each subtask's own
	opTag      // map that gives streams different keys: arg is how many streams times 16, and which of them
	opRefine   // map that splits keys
	opCoarsen  // map that joins keys
	opFilter   // filter
	opFilterBy // filter by a function of each subtask's own
	opExpand   // flatMap to 0 to arg records of the same key
	opBurst    // flatMap to arg records of the same key, many
	opScatter  // flatMap to arg records of different keys
	opPlain    // map after which mark follows from key
	opPlainAt  // flatMap after which mark and event time follow from key
	opReadTime // process function that looks at event times
	opStamp    // process function that adds the subtask's index
	opHold     // process function that emits some records at the end
	opTally    // process function that emits one sum at the end
	opEven     // process function that emits how many records each subtask had

	opCoMap
	opCoFlatMap
	opCoHold   // co-process function that emits the second stream's records at the end
	opJoin     // keyed co-process function that emits all pairs
	opCoTotals // keyed co-process function that emits a summary of each key at the end

	opCountEach
	opCountEnd
	opSumEach
	opSumEnd
	opMinEach
	opMinEnd
	opMaxEach
	opMaxEnd
	opMinByEach
	opMinByEnd
	opMaxByEach
	opMaxByEnd
	opReduceEach
	opReduceEnd
	opReduceAnyEnd // with a commutative function
	opValueEach
	opTextValueEach
	opListEach
	opListEnd
	opMapEach
	opDistinct
	opReducingEach
	opReducingEnd
	opAggregatingEach
	opAggregatingEnd
	opManyEnd // several states in one function

	opSink
	ops
)

// opSpec is what generation needs to know of an op.
type opSpec struct {
	name   string
	inputs int
	keyed  bool
	// args are the values of node.arg that make sense, from the first to the second.
	args [2]int
	// numeric is for steps on a field of the record, which not all types have.
	numeric bool
	weight  int
}

func (o op) spec() opSpec     { return specs[o] }
func (o op) String() string   { return specs[o].name }
func (o op) isSource() bool   { return specs[o].inputs == 0 }
func (o op) between() bool    { return !o.isSource() && o != opSink }
func (k kind) numeric() bool  { return k == flatKind || k == textKind }
func (n *node) isKeyed() bool { return n.op.spec().keyed }

var specs = [ops]opSpec{
	opCollection: {name: "collection"},
	opGenerator:  {name: "generator"},

	opConvert:  {name: "convert", inputs: 1, weight: 8},
	opMap:      {name: "map", inputs: 1, args: [2]int{1, 9}, weight: 6},
	opMapMark:  {name: "mapMark", inputs: 1, args: [2]int{1, 9}, weight: 4},
	opMapErr:   {name: "mapErr", inputs: 1, args: [2]int{1, 9}, weight: 4},
	opMapWith:  {name: "mapWith", inputs: 1, args: [2]int{1, 9}, weight: 4},
	opTag:      {name: "tag", inputs: 1},
	opRefine:   {name: "refine", inputs: 1, args: [2]int{2, 5}, weight: 4},
	opCoarsen:  {name: "coarsen", inputs: 1, args: [2]int{1, 40}, weight: 3},
	opFilter:   {name: "filter", inputs: 1, args: [2]int{1, 9}, weight: 5},
	opFilterBy: {name: "filterWith", inputs: 1, args: [2]int{1, 9}, weight: 3},
	opExpand:   {name: "expand", inputs: 1, args: [2]int{1, 6}, weight: 5},
	opBurst:    {name: "burst", inputs: 1, args: [2]int{50, 1500}, weight: 12},
	opScatter:  {name: "scatter", inputs: 1, args: [2]int{2, 5}, weight: 4},
	opPlain:    {name: "plain", inputs: 1, weight: 2},
	opPlainAt:  {name: "plainAt", inputs: 1, weight: 3},
	opReadTime: {name: "readTime", inputs: 1, weight: 3},
	opStamp:    {name: "stamp", inputs: 1, weight: 12},
	opHold:     {name: "hold", inputs: 1, args: [2]int{2, 5}, weight: 4},
	opTally:    {name: "tally", inputs: 1, weight: 3},
	opEven:     {name: "even", inputs: 1, weight: 12},

	opCoMap:     {name: "coMap", inputs: 2, weight: 6},
	opCoFlatMap: {name: "coFlatMap", inputs: 2, args: [2]int{1, 3}, weight: 6},
	opCoHold:    {name: "coHold", inputs: 2, weight: 5},
	opJoin:      {name: "join", inputs: 2, keyed: true, weight: 7},
	opCoTotals:  {name: "coTotals", inputs: 2, keyed: true, weight: 7},

	opCountEach:       {name: "countEach", inputs: 1, keyed: true, weight: 5},
	opCountEnd:        {name: "countEnd", inputs: 1, keyed: true, weight: 3},
	opSumEach:         {name: "sumEach", inputs: 1, keyed: true, numeric: true, weight: 6},
	opSumEnd:          {name: "sumEnd", inputs: 1, keyed: true, numeric: true, weight: 3},
	opMinEach:         {name: "minEach", inputs: 1, keyed: true, numeric: true, weight: 5},
	opMinEnd:          {name: "minEnd", inputs: 1, keyed: true, numeric: true, weight: 3},
	opMaxEach:         {name: "maxEach", inputs: 1, keyed: true, numeric: true, weight: 5},
	opMaxEnd:          {name: "maxEnd", inputs: 1, keyed: true, numeric: true, weight: 3},
	opMinByEach:       {name: "minByEach", inputs: 1, keyed: true, args: [2]int{0, 2}, weight: 4},
	opMinByEnd:        {name: "minByEnd", inputs: 1, keyed: true, args: [2]int{0, 2}, weight: 3},
	opMaxByEach:       {name: "maxByEach", inputs: 1, keyed: true, args: [2]int{0, 2}, weight: 4},
	opMaxByEnd:        {name: "maxByEnd", inputs: 1, keyed: true, args: [2]int{0, 2}, weight: 3},
	opReduceEach:      {name: "reduceEach", inputs: 1, keyed: true, weight: 5},
	opReduceEnd:       {name: "reduceEnd", inputs: 1, keyed: true, weight: 3},
	opReduceAnyEnd:    {name: "reduceAnyEnd", inputs: 1, keyed: true, weight: 2},
	opValueEach:       {name: "valueEach", inputs: 1, keyed: true, args: [2]int{2, 9}, weight: 5},
	opTextValueEach:   {name: "textValueEach", inputs: 1, keyed: true, weight: 5},
	opListEach:        {name: "listEach", inputs: 1, keyed: true, args: [2]int{1, 6}, weight: 5},
	opListEnd:         {name: "listEnd", inputs: 1, keyed: true, weight: 3},
	opMapEach:         {name: "mapEach", inputs: 1, keyed: true, args: [2]int{2, 5}, weight: 5},
	opDistinct:        {name: "distinct", inputs: 1, keyed: true, args: [2]int{2, 7}, weight: 3},
	opReducingEach:    {name: "reducingEach", inputs: 1, keyed: true, args: [2]int{3, 9}, weight: 5},
	opReducingEnd:     {name: "reducingEnd", inputs: 1, keyed: true, weight: 2},
	opAggregatingEach: {name: "aggregatingEach", inputs: 1, keyed: true, weight: 5},
	opAggregatingEnd:  {name: "aggregatingEnd", inputs: 1, keyed: true, weight: 2},
	opManyEnd:         {name: "manyEnd", inputs: 1, keyed: true, weight: 4},

	opSink: {name: "sink", inputs: 1},
}

// keysOf are the key types that streams of each kind are keyed by. Not all go with all, to keep the compiler's work within
// bounds.
var keysOf = [kinds][]keyKind{
	flatKind:   {intKey, floatKey},
	textKind:   {textKey, pairKey},
	lineKind:   {textKey, bytesKey},
	packedKind: {intKey, bytesKey},
	nestedKind: {pairKey},
}

// connects reports whether streams of two kinds may meet in a co-function.
func connects(first, second kind) bool { return second == first || second == flatKind }
