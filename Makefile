# mwan3 in Go. `make` alone lists the targets. Each target installs what it lacks (Debian packages, as root) and says so.

VERSION := 3.0.0
GOFLAGS := -trimpath -buildvcs=false
LDFLAGS := -s -w -buildid= -X main.version=$(VERSION)
# Without inlining the programs are an eighth smaller when compressed, and take a few per cent longer.
GCFLAGS := all=-l
PRODUCT := mwan3 mwan3track mwan3rtmon
MODULES := $(PRODUCT) e2e openwrt/ipk qemu
OLDGO   := go1.23.12

export CGO_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help build test demo bench cross ipk qemu clean tools vet unit oldgo foreign routers $(PRODUCT)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(PRODUCT) ## build the three binaries for this machine, under build/

$(PRODUCT):
	@cd $@ && go build $(GOFLAGS) -ldflags '$(LDFLAGS)' -gcflags '$(GCFLAGS)' -o ../build/$@ .

test: tools build vet oldgo unit foreign routers ## run all checks: vet, import table, unit, goldens, fuzz seeds, namespaces, two routers

vet:
	@test -z "$$(gofmt -l $(MODULES))" || { echo "not gofmt clean:"; gofmt -l $(MODULES); exit 1; }
	@for m in $(MODULES); do (cd $$m && go vet ./...) || exit 1; done

# What OpenWrt 24.10 builds with, and each module alone, without the workspace.
oldgo:
	@for m in $(PRODUCT); do \
	  (cd $$m && GOWORK=off GOTOOLCHAIN=$(OLDGO) go build -o /dev/null ./...) || exit 1; \
	  echo "$$m builds with $(OLDGO) and without the workspace"; \
	done

# What is left out on a machine without a program is said here, because go test keeps it to itself.
# The tests of e2e run the built programs, which the go tool's cache does not know: they run each time.
unit:
	@go test $(TESTFLAGS) $(addprefix ./,$(addsuffix /...,$(PRODUCT) openwrt/ipk qemu))
	@for judge in opkg apk; do command -v $$judge >/dev/null || echo "SKIPPED: packages are not installed with the real $$judge, which is not here"; done
	@MWAN3_BIN=$(CURDIR)/build go test -count=1 -timeout 40m $(TESTFLAGS) ./e2e/...

# What the emulation cannot run leaves itself out (mwan3/emulation) and is counted. Packages of HOST never run on a router, and
# their tests run programs of the machine that builds: the go tool, make, busybox.
FOREIGN := mips mipsle arm
HOST    := ipk ipk/content ipk/cross ipk/feed ipk/judge
foreign: TOOLS := qemu-mips-static
foreign: tools ## run the tests on MIPS of both byte orders and on ARM, in QEMU's user emulation
	@for arch in $(FOREIGN); do \
	  .ci/foreign $$arch $(addprefix ./,$(addsuffix /...,$(PRODUCT))) \
	    $$(go list ./openwrt/ipk/... | grep -vxF $(addprefix -e ,$(HOST))) || exit 1; \
	done
	@echo "LEFT OUT on all: $(HOST) and e2e, which work on the machine that builds"

demo: TOOLS := nft ip
demo: tools build ## watch failover live: three uplinks in namespaces, cut and healed
	@cd e2e && go build $(GOFLAGS) -o ../build/demo ./demo
	@build/demo

bench: tools build ## measure: starts, verdicts, failover times, probes, loads, sizes; e.g. BENCHFLAGS='-part failover'
	@cd e2e && go build $(GOFLAGS) -o ../build/bench ./bench
	@build/bench -bin $(CURDIR)/build $(BENCHFLAGS)
	@go test -run '^$$' -bench . -benchtime 20x $(addprefix ./,$(addsuffix /...,$(PRODUCT)))
	@ls -l $(addprefix build/,$(PRODUCT)) | awk '{printf "%8d KiB %s\n", $$5/1024, $$9}'

# e.g. TARGETS='mips arm7'; AGAIN=all compiles everything twice, AGAIN= nothing. All of it has the time of the last commit.
TARGETS :=
AGAIN   := mips
IPK      = go run ./openwrt/ipk
EPOCH    = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
CROSS    = $(IPK) cross $(foreach flag,$(GOFLAGS),-build $(flag)) \
	-build '-ldflags=$(LDFLAGS)' -build '-gcflags=$(GCFLAGS)'

cross: TOOLS := mksquashfs
cross: tools ## compile for the routers' processors, twice to compare, with a table of sizes
	@$(CROSS) -again '$(AGAIN)' $(TARGETS)

ipk: TOOLS := mksquashfs
ipk: tools ## make packages for opkg and apk, and an index for opkg update, under build/ipk/
	@$(CROSS) $(TARGETS)
	@$(IPK) pack -version $(VERSION) -epoch $(EPOCH) $(TARGETS)

# The first time it makes kernels and images: minutes, and as long again as a kernel takes to compile for big-endian MIPS.
# ARCH='mips arm7' are the routers; SCRIPT=. plays all scripts; JOBS machines at the same time; QEMUFLAGS='-memory 64'.
# OPENWRT_IMG boots an official image in place of ours, on ARCH; OPENWRT_KERNEL is its kernel, where the image brings none.
OPENWRT_IMG    :=
OPENWRT_KERNEL :=
ARCH           := $(if $(OPENWRT_IMG),amd64,amd64 arm64 arm7 mipsle mips)
SCRIPT         :=
JOBS           := 2
QEMUFLAGS      :=
qemu: TOOLS := nft ip mksquashfs
qemu: tools ## boot whole routers in QEMU, with three uplinks, and play the lab's scripts on them
	@.ci/tools $$(go run ./qemu tools $(ARCH))
	@cd qemu && go build $(GOFLAGS) -o ../build/qemu-play .
ifneq ($(OPENWRT_IMG),)
	@build/qemu-play boot -openwrt $(OPENWRT_IMG) $(if $(OPENWRT_KERNEL),-kernel $(OPENWRT_KERNEL)) $(QEMUFLAGS) $(ARCH)
else
	@$(CROSS) -again '' $(ARCH)
	@$(IPK) pack -version $(VERSION) -epoch $(EPOCH) $(ARCH)
	@build/qemu-play play -jobs $(JOBS) $(if $(SCRIPT),-script '$(SCRIPT)') $(QEMUFLAGS) $(ARCH)
endif

# The shortest stories, on the two processors whose kernels are packages of Debian's and that differ most.
routers:
	@$(MAKE) --no-print-directory qemu ARCH='amd64 mipsle' SCRIPT='^(boot-balanced|failover-silent|failover-carrier-openwrt)$$'

clean: ## remove what the others made
	@rm -rf build

TOOLS := nft iptables ipset ip ping sysctl curl busybox shellcheck mksquashfs qemu-mips-static
tools:
	@.ci/tools $(TOOLS)
