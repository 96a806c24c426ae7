# install_naming_program(FILE DESTINATION)
#
# Installs FILE, which names the program as /usr/bin/mtasts-host, with the path that the program is
# installed at. That is known only then: `cmake --install BUILD --prefix PREFIX` may say another prefix
# than the build was configured with. DESTDIR is where the files go for now and stands in no path.
function(install_naming_program FILE DESTINATION)
  cmake_path(ABSOLUTE_PATH FILE NORMALIZE OUTPUT_VARIABLE source)
  cmake_path(GET FILE FILENAME name)
  install(
    CODE "
    set(bindir [==[${CMAKE_INSTALL_BINDIR}]==])
    set(directory [==[${DESTINATION}]==])
    set(source [==[${source}]==])
    set(name [==[${name}]==])"
    CODE [==[
    cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX NORMALIZE OUTPUT_VARIABLE prefix)
    cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${prefix}" NORMALIZE)
    cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY "${prefix}" NORMALIZE)
    cmake_path(APPEND bindir mtasts-host OUTPUT_VARIABLE program)
    if(name MATCHES "\\.service$")
      # systemd.service(5), "Command lines": % begins a specifier, white space ends a word.
      if(program MATCHES "['\"\\\\]")
        message(FATAL_ERROR "systemd starts no program with a quote or a backslash in its path: "
                            "${program}; choose another prefix")
      endif()
      string(REPLACE "%" "%%" program "${program}")
      if(program MATCHES " ")
        set(program "\"${program}\"")
      endif()
    endif()
    file(READ "${source}" text)
    string(REPLACE "/usr/bin/mtasts-host" "${program}" text "${text}")
    set(target "${directory}/${name}")
    message(STATUS "Installing: $ENV{DESTDIR}${target}")
    file(MAKE_DIRECTORY "$ENV{DESTDIR}${directory}")
    file(WRITE "$ENV{DESTDIR}${target}" "${text}")
    file(CHMOD "$ENV{DESTDIR}${target}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${target}")
    ]==])
endfunction()
