# Every library the build needs, found through pkg-config, each missing one named with the Debian
# package that has it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

set(MTASTS_MISSING "")
macro(need NAME MODULES PACKAGE)
  pkg_check_modules(${NAME} QUIET IMPORTED_TARGET ${MODULES})
  if(NOT ${NAME}_FOUND)
    string(APPEND MTASTS_MISSING "  ${MODULES}: apt-get install ${PACKAGE}\n")
  endif()
endmacro()

need(h2o libh2o-evloop libh2o-evloop-dev)
need(nghttp2 "libnghttp2>=1.52" libnghttp2-dev)
# 3.0.6: before it EC_KEY_set_private_key(key, NULL) left the number where it was.
need(openssl "openssl>=3.0.6" libssl-dev)
need(yaml yaml-0.1 libyaml-dev)
need(urcu "liburcu;liburcu-cds" liburcu-dev)
need(xxhash libxxhash libxxhash-dev)
need(idn2 libidn2 libidn2-dev)
need(ldns ldns libldns-dev)
need(jansson jansson libjansson-dev)
need(curl libcurl libcurl4-openssl-dev)
need(sqlite sqlite3 libsqlite3-dev)
need(systemd libsystemd libsystemd-dev)
if(MTASTS_TESTS)
  need(cmocka cmocka libcmocka-dev)
endif()
if(MTASTS_MISSING)
  message(FATAL_ERROR "Libraries are missing:\n${MTASTS_MISSING}"
                      "deploy/install-deps.sh installs all of them.")
endif()

# The header's default is the libuv flavour, another ABI without a word from the linker.
target_compile_definitions(PkgConfig::h2o INTERFACE H2O_USE_LIBUV=0)
target_link_libraries(PkgConfig::h2o INTERFACE PkgConfig::openssl)
