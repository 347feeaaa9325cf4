target_link_libraries(${library} PUBLIC expat)
