PKG_BUILD_DIR ?= $(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)

# tell writes a value into a file of that name, for the test to read. 1: name, 2: value
tell = $(file >$(OUT)/$(1),$(2))

define BuildPackage
$(eval $(Package/$(1)))
$(foreach name,PKG_NAME PKG_VERSION PKG_RELEASE PKG_LICENSE PKG_BUILD_DEPENDS PKG_FILE_DEPENDS PKGARCH DEPENDS \
	GO_PKG GO_PKG_BUILD_PKG GO_PKG_LDFLAGS GO_PKG_LDFLAGS_X GO_PKG_GCFLAGS GO_PKG_TAGS,$(call tell,$(name),$($(name))))
$(foreach name,conffiles preinst postinst prerm postrm,$(call tell,$(name),$(call Package/$(1)/$(name))))
.PHONY: prepare install
prepare:
	$$(Build/Prepare)
install:
	$$(call Package/$(1)/install,$$(OUT)/root)
endef
