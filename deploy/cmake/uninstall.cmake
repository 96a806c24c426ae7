# cmake -DMANIFEST=BUILD/install_manifest.txt -P uninstall.cmake
#
# Removes the files that `cmake --install` has listed in MANIFEST, and the directories of ours that are
# empty then. DESTDIR counts as it did for the installation.
if(NOT EXISTS "${MANIFEST}")
  message(FATAL_ERROR "there is no ${MANIFEST}: nothing was installed from this build directory")
endif()
file(STRINGS "${MANIFEST}" files)
foreach(file IN LISTS files)
  message(STATUS "Removing: $ENV{DESTDIR}${file}")
  file(REMOVE "$ENV{DESTDIR}${file}")
  # Ours are those that have the program's name: share/doc/mtasts-host and what is in it.
  cmake_path(GET file PARENT_PATH directory)
  while(directory MATCHES "/mtasts-host(/|$)")
    file(GLOB rest "$ENV{DESTDIR}${directory}/*")
    if(rest)
      break()
    endif()
    file(REMOVE_RECURSE "$ENV{DESTDIR}${directory}")
    cmake_path(GET directory PARENT_PATH directory)
  endwhile()
endforeach()
file(REMOVE "${MANIFEST}")
