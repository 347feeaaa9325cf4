# What emud serves below /ui/ and at /openapi.*: web/ and openapi/ laid out in DESTINATION/{web,openapi}.
# Usage: cmake -DSOURCE=<checkout> -DDESTINATION=<build>/share/emud -P web/assets.cmake
# Installs the pinned npm packages first where they are missing or older than the lock file.
cmake_minimum_required(VERSION 3.25)

set(web ${SOURCE}/web)
set(modules ${web}/node_modules)
find_program(NODE NAMES node nodejs REQUIRED)
find_program(NPM npm REQUIRED)

if(NOT EXISTS ${modules}/.package-lock.json OR ${web}/package-lock.json IS_NEWER_THAN ${modules}/.package-lock.json)
	execute_process(COMMAND ${NPM} ci --omit=dev --ignore-scripts --no-audit --no-fund
		WORKING_DIRECTORY ${web} RESULT_VARIABLE status)
	if(status)
		message(WARNING "npm cannot install web/'s packages: building without consoles in the page and without "
			"/docs; to try again, remove ${DESTINATION}/../assets.stamp and build")
		include(${CMAKE_CURRENT_LIST_DIR}/assets_without_npm.cmake)
		return()
	endif()
	file(TOUCH ${modules}/.package-lock.json)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/own_files.cmake)
file(COPY ${web}/docs.html ${web}/docs.js ${web}/docs.css DESTINATION ${DESTINATION}/web)
file(COPY ${modules}/@xterm/xterm/lib/xterm.mjs ${modules}/@xterm/xterm/css/xterm.css
	${modules}/@xterm/addon-fit/lib/addon-fit.mjs ${modules}/@xterm/addon-search/lib/addon-search.mjs DESTINATION ${DESTINATION}/web/vendor/xterm)
file(COPY ${modules}/uplot/dist/uPlot.esm.js ${modules}/uplot/dist/uPlot.min.css
	DESTINATION ${DESTINATION}/web/vendor/uplot)
file(COPY ${modules}/swagger-ui-dist/swagger-ui-bundle.js ${modules}/swagger-ui-dist/swagger-ui.css
	DESTINATION ${DESTINATION}/web/vendor/swagger-ui)

execute_process(COMMAND ${NODE} ${SOURCE}/openapi/to_json.mjs ${SOURCE}/openapi/openapi.yaml
	${DESTINATION}/openapi/openapi.json COMMAND_ERROR_IS_FATAL ANY)
