# Stands in for OpenWrt's build system: as much of it as the feed's Makefile uses.
INCLUDE_DIR := $(TOPDIR)/include
BUILD_DIR   := $(OUT)/build_dir
CP          := cp -fpR
INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_DATA := install -m0644
INSTALL_CONF := install -m0600
