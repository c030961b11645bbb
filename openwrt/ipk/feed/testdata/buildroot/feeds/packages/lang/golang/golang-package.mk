GO_ARCH_DEPENDS := @(arch)

define GoPackage/Package/Install/Bin
	install -d -m0755 $(1)$(GO_PKG_INSTALL_BIN_PATH)
	install -m0755 $(PROGRAMS)/* $(1)$(GO_PKG_INSTALL_BIN_PATH)/
endef

define GoBinPackage
  ifndef Package/$(1)/install
    Package/$(1)/install = $$(call GoPackage/Package/Install/Bin,$$(1))
  endif
endef
