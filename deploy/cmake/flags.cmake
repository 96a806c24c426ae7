# Warnings, hardening and sanitizers for every target of ours.
add_library(mtasts_flags INTERFACE)
target_compile_definitions(mtasts_flags INTERFACE _GNU_SOURCE MTASTS_VERSION="${PROJECT_VERSION}")
target_compile_options(
  mtasts_flags
  INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
            -Wpointer-arith -Wvla -Wundef -Wformat=2 -Wwrite-strings -fno-common
            -fstack-protector-strong -fstack-clash-protection)
# x86 has it, arm64 has another.
include(CheckCCompilerFlag)
check_c_compiler_flag(-fcf-protection MTASTS_CF_PROTECTION)
if(MTASTS_CF_PROTECTION)
  target_compile_options(mtasts_flags INTERFACE -fcf-protection)
endif()
if(MTASTS_WERROR)
  target_compile_options(mtasts_flags INTERFACE -Werror)
endif()
target_link_options(mtasts_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
                    -Wl,--as-needed)
if(MTASTS_SANITIZE)
  target_compile_options(mtasts_flags INTERFACE -fsanitize=${MTASTS_SANITIZE}
                                                -fno-omit-frame-pointer)
  target_link_options(mtasts_flags INTERFACE -fsanitize=${MTASTS_SANITIZE})
  if(MTASTS_SANITIZE MATCHES "undefined")
    target_compile_options(mtasts_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
else()
  # Needs optimisation, and hides from AddressSanitizer what it would check better itself.
  target_compile_options(mtasts_flags
                         INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
if(MTASTS_FUZZ)
  target_compile_options(mtasts_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MTASTS_COVERAGE)
  # Threads count as well.
  target_compile_options(mtasts_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(mtasts_flags INTERFACE --coverage)
endif()
if(MTASTS_FAULTS)
  target_compile_definitions(mtasts_flags INTERFACE MTASTS_FAULTS=1)
endif()
if(MTASTS_PLAIN_OPENSSL)
  target_compile_definitions(mtasts_flags INTERFACE MTASTS_PLAIN_OPENSSL=1)
endif()
