# What .ci/run runs: test, then check. Everything needs Go alone, but race a C compiler and generate protoc.

export CGO_ENABLED = 0

GO       ?= go
FUZZTIME ?= 5s
OUT      ?= .

# The go tool leaves folders that begin with a dot out of "./...".
PACKAGES = ./... ./.ci/lint ./.ci/planted
PROTOS   = $(shell find . -name '*.proto' -not -path '*/testdata/*' -not -path './.*')

.PHONY: build demo test lint bench race planted fuzz-seeds examples bench-smoke check integration generate fresh

build:
	$(GO) build -o bin/ ./...
	$(GO) -C benchmarks/micro/limit build -o ../../../bin/limit

demo:
	$(GO) run ./examples/wordcount --input "$$($(GO) env GOROOT)/src" --top 20 -v

test:
	$(GO) test -timeout 5m $(PACKAGES)

lint: fresh
	@files=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .); test -z "$$files" || { echo "not gofmt'ed:" $$files; exit 1; }
	$(GO) vet $(PACKAGES)
	$(GO) -C benchmarks/micro/limit vet ./...
	$(GO) tool staticcheck $(PACKAGES)
	$(GO) run ./.ci/lint

bench:
	$(GO) run ./benchmarks/micro

# The race detector is the one thing that needs cgo. The Nexmark queries, which take long to compile, have no goroutines of their own.
race:
	CGO_ENABLED=1 $(GO) test -race -timeout 25m $$($(GO) list $(PACKAGES) | grep -v /benchmarks/nexmark)

# Mistakes about checkpoints, each of which a test must see.
planted:
	$(GO) run ./.ci/planted

fuzz-seeds:
	@FUZZTIME=$(FUZZTIME) .ci/fuzz-seeds

examples: build
	@.ci/examples

bench-smoke:
	$(GO) run ./benchmarks/micro --smoke
	$(GO) run ./benchmarks/state --smoke
	$(GO) run ./benchmarks/windows --smoke
	$(GO) run ./benchmarks/network --smoke
	$(GO) run ./benchmarks/nexmark bench --runs 1 --scale 0.02
	$(GO) run ./benchmarks/checkpoint --smoke
	$(GO) run ./benchmarks/isolation --idle --phase 2s
	$(GO) run ./benchmarks/killtest --smoke --duration 15s --seed 1 --switch-backend=false
	$(GO) run ./benchmarks/killtest --smoke --duration 15s --seed 2 --state-backend pebble --inside
	$(GO) run ./benchmarks/killtest --smoke --duration 25s --seed 3 --cluster --every 1500ms
	$(GO) run ./benchmarks/failover --runs 1
	@for run in "hashmap 1" "pebble 2" "hashmap 4"; do \
		set -- $$run; \
		$(GO) run ./benchmarks/nexmark verify --results benchmarks/nexmark/testdata/results.json --state-backend $$1 --parallelism $$2 || exit 1; \
	done

# Tests against real servers; the first run builds MinIO, which takes some minutes.
integration:
	$(GO) build -o bin/ ./benchmarks/killtest
	deploy/testbed/minio.sh run $(GO) test -count=1 -timeout 10m -run Real ./checkpoint/storage/s3
	deploy/testbed/minio.sh run bin/killtest --smoke --duration 15s --seed 3 --storage s3://weir/kill

check:
	@for step in lint race planted integration fuzz-seeds examples bench-smoke; do \
		echo "== $$step"; start=$$(date +%s); \
		$(MAKE) --no-print-directory $$step || { echo "== $$step failed"; exit 1; }; \
		echo "== $$step: $$(( $$(date +%s) - start )) s"; \
	done

# Writes the generated files below OUT: the Go code of the protobuf messages and the configuration reference.
generate:
	@mkdir -p bin "$(OUT)/runtime/config"
	$(GO) build -o bin/ google.golang.org/protobuf/cmd/protoc-gen-go ./runtime/config/cmd/reference
	$(if $(PROTOS),protoc --plugin=bin/protoc-gen-go -I . --go_out="$(OUT)" --go_opt=paths=source_relative $(PROTOS))
	cd "$(OUT)" && "$(CURDIR)/bin/reference"

# Fails if a generated file differs from what its source gives today.
fresh:
	@.ci/fresh
