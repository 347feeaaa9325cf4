# What of DESTINATION/{web,openapi} the repository itself holds. The style sheets become one: a browser asks for six files at a time.
file(REMOVE_RECURSE ${DESTINATION}/web ${DESTINATION}/openapi)
file(COPY ${web}/lib ${web}/views ${web}/components ${web}/index.html ${web}/app.js ${web}/styles.css ${web}/icon.svg
	DESTINATION ${DESTINATION}/web)
file(COPY ${SOURCE}/openapi/openapi.yaml DESTINATION ${DESTINATION}/openapi)
file(GLOB sheets ${web}/styles/*.css)
foreach(sheet ${sheets})
	file(READ ${sheet} rules)
	file(APPEND ${DESTINATION}/web/styles.css "\n${rules}")
endforeach()
