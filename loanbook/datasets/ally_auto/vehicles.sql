-- grain: one row per loan's vehicle
-- The 2017 pools cut names to four letters and pad them, the 2019 pool spells them out.
SELECT
    parse_filename(_file, true) || '-' || assetNumber AS vehicle_id,
    try_strptime(originationDate, '%m/%Y') AS event_at,
    try_strptime(originationDate, '%m/%Y') AS available_at,
    CASE upper(trim(vehicleManufacturerName))
        WHEN 'ACUR' THEN 'ACURA'
        WHEN 'ASTO' THEN 'ASTON MARTIN'
        WHEN 'BUIC' THEN 'BUICK'
        WHEN 'CADI' THEN 'CADILLAC'
        WHEN 'CHEV' THEN 'CHEVROLET'
        WHEN 'CHRY' THEN 'CHRYSLER'
        WHEN 'DODG' THEN 'DODGE'
        WHEN 'HOND' THEN 'HONDA'
        WHEN 'HYUN' THEN 'HYUNDAI'
        WHEN 'INFI' THEN 'INFINITI'
        WHEN 'JAGU' THEN 'JAGUAR'
        WHEN 'LEXS' THEN 'LEXUS'
        WHEN 'LINC' THEN 'LINCOLN'
        WHEN 'LNDR' THEN 'LAND ROVER'
        WHEN 'MASE' THEN 'MASERATI'
        WHEN 'MAZD' THEN 'MAZDA'
        WHEN 'MERC' THEN 'MERCURY'
        WHEN 'MERZ' THEN 'MERCEDES-BENZ'
        WHEN 'MITS' THEN 'MITSUBISHI'
        WHEN 'MNNI' THEN 'MINI'
        WHEN 'NISS' THEN 'NISSAN'
        WHEN 'PONT' THEN 'PONTIAC'
        WHEN 'PORS' THEN 'PORSCHE'
        WHEN 'SCIO' THEN 'SCION'
        WHEN 'SMRT' THEN 'SMART'
        WHEN 'SUBA' THEN 'SUBARU'
        WHEN 'SUZI' THEN 'SUZUKI'
        WHEN 'TOYT' THEN 'TOYOTA'
        WHEN 'VOLK' THEN 'VOLKSWAGEN'
        WHEN 'VOLV' THEN 'VOLVO'
        ELSE upper(trim(vehicleManufacturerName))
    END AS make,
    upper(trim(vehicleModelName)) AS model,
    vehicleModelYear AS model_year,
    CASE vehicleNewUsedCode WHEN 1 THEN 'new' WHEN 2 THEN 'used' END AS condition,
    -- new vehicles are valued at the invoice, used ones by a price guide
    CASE vehicleNewUsedCode WHEN 1 THEN vehicleValueAmount END AS list_price,
    vehicleValueAmount AS appraised_value,
    _file,
    _row,
    _broken
FROM raw.pools
