# How a board's firmware is built: for the demo here and the firmware of the tests.

find_program(EMUD_CLANG NAMES clang clang-14 REQUIRED)
find_program(EMUD_LLD NAMES ld.lld ld.lld-14 REQUIRED)

set(firmware_dir ${CMAKE_CURRENT_LIST_DIR})
set(emud_firmware_output ${CMAKE_BINARY_DIR}/share/emud/firmware)

set(lm3s6965evb_uart pl011)
set(lm3s6965evb_memory flash_start=0x0 ram_start=0x20000000 ram_size=0x10000)
set(netduinoplus2_uart stm32)
set(netduinoplus2_memory flash_start=0x08000000 ram_start=0x20000000 ram_size=0x20000)
set(stm32vldiscovery_uart stm32)
set(stm32vldiscovery_memory flash_start=0x08000000 ram_start=0x20000000 ram_size=0x2000)
set(mps2-an385_uart cmsdk)
set(mps2-an385_memory flash_start=0x0 ram_start=0x20000000 ram_size=0x400000)
set(riscv32-virt_uart ns16550)
set(riscv32-virt_memory ram_start=0x80000000 ram_size=0x100000)

# emud_firmware(<board> <source> <name>) builds <name>.elf and appends it to the variable emud_firmware_files.
function(emud_firmware board source name)
	if(board MATCHES "^riscv32")
		set(cpu riscv32)
		set(target --target=riscv32-unknown-elf -march=rv32imac -mabi=ilp32)
	else()
		set(cpu cortex_m)
		set(target --target=arm-none-eabi -mcpu=cortex-m3 -mthumb)
	endif()
	set(sources ${source} ${firmware_dir}/console.c ${firmware_dir}/cpu_${cpu}.c
		${firmware_dir}/uart_${${board}_uart}.c)
	set(linker_script ${firmware_dir}/${cpu}.ld)
	set(board_header ${firmware_dir}/boards/${board}.h)
	list(TRANSFORM ${board}_memory PREPEND "-Wl,--defsym=" OUTPUT_VARIABLE memory)
	set(elf ${emud_firmware_output}/${name}.elf)
	add_custom_command(
		OUTPUT ${elf}
		COMMAND ${CMAKE_COMMAND} -E make_directory ${emud_firmware_output}
		COMMAND ${EMUD_CLANG} ${target} -std=c17 -Os -g -ffreestanding -fno-builtin -nostdlib -static
			-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -Wall -Wextra -Werror -I${firmware_dir}
			-include ${board_header} ${sources} --ld-path=${EMUD_LLD} -Wl,-T,${linker_script} ${memory} -o ${elf}
		DEPENDS ${sources} ${linker_script} ${board_header} ${firmware_dir}/board.h
		COMMENT "Building firmware ${name}.elf"
		VERBATIM)
	set(emud_firmware_files ${emud_firmware_files} ${elf} PARENT_SCOPE)
endfunction()
