"""What a panel shows for each number that goes over the link, in English, German, French and Spanish.

English is the register map's own text; the other three stand here, by name, so that a number that moves or a name that
is new shows as missing and not as another text.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from jidoka_bridge import registers
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Fault, PlcState, State
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

LANGUAGES = ("en", "de", "fr", "es")


class Text(NamedTuple):
    """One row of the list. list: which number it belongs to; is_translated: False for a site's own texts."""

    list: str
    number: int
    name: str
    en: str
    de: str
    fr: str
    es: str
    is_translated: bool = True


#: what the calling part shows on a panel in place of a state, as number 0, when the agent wrote nothing for a second
SILENT = ("the agent is silent", "der Agent schweigt", "l'agent ne répond plus", "el agente no responde")

STATES: dict[str, tuple[str, str, str, str]] = {
    "START_UP": ("not armed since the agent started", "seit dem Start noch nicht freigegeben",
                 "pas encore armé depuis le démarrage", "no armado desde el arranque"),
    "RUN": ("machine and model permitted", "Maschine und Modell freigegeben",
            "machine et modèle autorisés", "máquina y modelo permitidos"),
    "ADVISE": ("machine and model permitted, with an advice", "Maschine und Modell freigegeben, mit Hinweis",
               "machine et modèle autorisés, avec un avis", "máquina y modelo permitidos, con un aviso"),
    "FALLBACK": ("machine permitted, model not to be used", "Maschine freigegeben, Modell nicht verwenden",
                 "machine autorisée, ne pas utiliser le modèle", "máquina permitida, no usar el modelo"),
    "HOLD": ("stopped until somebody resets it", "angehalten, bis jemand quittiert und zurücksetzt",
             "arrêté jusqu'à un réarmement", "parado hasta que alguien lo rearme"),
    "LOCKOUT": ("locked until an engineer unlocks it", "gesperrt, bis ein Techniker entsperrt",
                "verrouillé jusqu'au déverrouillage par un ingénieur", "bloqueado hasta que un ingeniero lo desbloquee"),
    "OVERRIDE": ("a person drives with the key", "eine Person fährt mit dem Schlüssel",
                 "une personne conduit avec la clé", "una persona conduce con la llave"),
}  # fmt: skip

PLC_STATES: dict[str, tuple[str, str, str, str]] = {
    "OFF": ("no session with the agent", "keine Sitzung mit dem Agenten",
            "pas de session avec l'agent", "sin sesión con el agente"),
    "IDLE": ("connected, nothing asked for", "verbunden, nichts angefordert",
             "connecté, rien n'est demandé", "conectado, nada solicitado"),
    "ARMING": ("press and release the reset button", "Reset-Taster drücken und loslassen",
               "appuyer sur le bouton de réarmement et relâcher", "pulsar y soltar el botón de rearme"),
    "ARMED": ("the agent's permissive is followed", "der Freigabe des Agenten wird gefolgt",
              "l'autorisation de l'agent est suivie", "se sigue el permiso del agente"),
    "TRIPPED": ("dropped with a fault", "mit Fehler abgefallen",
                "déclenché avec un défaut", "disparado con un fallo"),
}  # fmt: skip

FAULTS: dict[str, tuple[str, str, str]] = {
    "NONE": ("keiner", "aucun", "ninguno"),
    "WATCHDOG": ("kein gültiges Telegramm innerhalb der Haltezeit", "aucune trame acceptée dans le temps de maintien",
                 "ninguna trama aceptada dentro del tiempo de retención"),
    "FORMAT": ("Telegramme falschen Formats, bis die Haltezeit ablief",
               "trames d'un format erroné jusqu'à la fin du temps de maintien",
               "tramas de formato erróneo hasta agotar el tiempo de retención"),
    "CRC_RUN": ("beschädigte Telegramme, bis die Haltezeit ablief",
                "trames endommagées jusqu'à la fin du temps de maintien",
                "tramas dañadas hasta agotar el tiempo de retención"),
    "SEQUENCE_GAP": ("Telegramme außer der Reihe, bis die Haltezeit ablief",
                     "trames hors séquence jusqu'à la fin du temps de maintien",
                     "tramas fuera de secuencia hasta agotar el tiempo de retención"),
    "WRONG_CONNECTION": ("Telegramme einer anderen Verbindung, bis die Haltezeit ablief",
                         "trames d'une autre connexion jusqu'à la fin du temps de maintien",
                         "tramas de otra conexión hasta agotar el tiempo de retención"),
    "RELAY_FEEDBACK": ("die Rückmeldung der Relais stimmt nicht", "le retour des relais ne correspond pas",
                       "la realimentación de los relés no coincide"),
    "MAP_DIGEST": ("die Registertabelle ist nicht die freigegebene", "la table de registres n'est pas celle approuvée",
                   "el mapa de registros no es el aprobado"),
    "RAISE_WITHOUT_PRESS": ("eine höhere Freigabe kam ohne Tastendruck", "une autorisation supérieure sans appui du bouton",
                            "llegó un permiso mayor sin pulsar el botón"),
}  # fmt: skip

REASONS: dict[str, tuple[str, str, str]] = {
    "none": ("kein Grund", "aucune raison", "sin motivo"),
    "start-up": ("der Wächter ist gerade gestartet", "le gardien vient de démarrer", "el guardián acaba de arrancar"),
    "restart": ("der Wächter wurde ungeplant neu gestartet", "le gardien a redémarré sans arrêt prévu",
                "el guardián se reinició sin parada planificada"),
    "self-test failed": ("der Selbsttest des Wächters ist fehlgeschlagen", "l'autotest du gardien a échoué",
                         "falló la autoprueba del guardián"),
    "no data": ("Überwachung oder Modellanwendung schweigen", "la surveillance ou l'application du modèle se tait",
                "la supervisión o la aplicación del modelo no dice nada"),
    "no record": ("was geschieht, kann nicht aufgezeichnet werden", "ce qui se passe ne peut pas être enregistré",
                  "lo que ocurre no se puede registrar"),
    "plc link": ("die Verbindung zur Steuerung ist verloren", "la liaison avec l'automate est perdue",
                 "se perdió el enlace con el PLC"),
    "latch file": ("die Sperrdatei kann nicht geschrieben oder gelesen werden",
                   "le fichier de verrouillage ne peut être écrit ou lu",
                   "no se puede escribir o leer el archivo de enclavamiento"),
    "local hold": ("jemand an der Maschine hat einen Halt verlangt", "quelqu'un à la machine a demandé un arrêt",
                   "alguien en la máquina pidió una parada"),
    "remote hold": ("jemand hat aus der Ferne einen Halt verlangt", "quelqu'un à distance a demandé un arrêt",
                    "alguien a distancia pidió una parada"),
    "override": ("der Schlüssel zum Überbrücken ist gesteckt", "la clé de dérogation est active",
                 "la llave de anulación está activa"),
    "override time over": ("der Schlüssel war zu lange gesteckt", "la clé de dérogation a été active trop longtemps",
                           "la llave de anulación estuvo activa demasiado tiempo"),
    "proving failed": ("der Probelauf endete ohne gutes Urteil", "la marche d'essai s'est terminée sans bon jugement",
                       "la marcha de prueba terminó sin un juicio favorable"),
    "fallback lost": ("der Ersatzbetrieb ist nicht bereit", "le mode de repli n'est pas prêt",
                      "el modo de reserva no está listo"),
    "plc not ready": ("die Steuerung verweigert oder hat selbst angehalten", "l'automate refuse ou s'est arrêté de lui-même",
                      "el PLC rechaza o se detuvo por sí mismo"),
    "read-back less": ("die Steuerung zeigt weniger, als verlangt wurde", "l'automate montre moins que demandé",
                       "el PLC muestra menos de lo pedido"),
    "read-back more": ("die Steuerung zeigt mehr, als verlangt wurde", "l'automate montre plus que demandé",
                       "el PLC muestra más de lo pedido"),
    "moved without permissive": ("Teile oder Bewegung ohne Freigabe", "pièces ou mouvement sans autorisation",
                                 "piezas o movimiento sin permiso"),
    "other session": ("jemand anderes spricht mit der Steuerung", "quelqu'un d'autre parle à l'automate",
                      "alguien más habla con el PLC"),
    "digest": ("eine Tabelle, ein Plan oder ein Modell ist nicht das freigegebene",
               "une table, un plan ou un modèle n'est pas celui approuvé",
               "una tabla, un plan o un modelo no es el aprobado"),
    "button stuck": ("der Reset-Taster klemmt oder prellt", "le bouton de réarmement est bloqué ou rebondit",
                     "el botón de rearme está atascado o rebota"),
    "pause": ("der Wächter stand länger als die Haltezeit", "le gardien a été suspendu plus longtemps que le maintien",
              "el guardián estuvo detenido más que el tiempo de retención"),
    "clock step": ("die Uhr wurde gestellt", "l'horloge a été réglée", "se ajustó el reloj"),
    "planned stop": ("der Agent wurde planmäßig beendet", "l'agent a été arrêté comme prévu",
                     "el agente se detuvo según lo previsto"),
    "parts without records": ("Teile werden gezählt, aber keine Daten kommen", "des pièces sont comptées sans données",
                              "se cuentan piezas pero no llegan datos"),
    "not judged": ("eine statistische Bedingung ist noch nicht beurteilt", "une condition statistique n'est pas encore jugée",
                   "una condición estadística aún no está juzgada"),
    "mode": ("ein Modell ist nicht scharf geschaltet", "un modèle n'est pas en mode actif",
             "un modelo no está en modo activo"),
    "too many trips": ("dieselbe Ursache hat zu oft ausgelöst", "la même cause a déclenché trop souvent",
                       "la misma causa disparó demasiadas veces"),
    "running input": ("Teile werden gezählt, obwohl die Maschine laut Eingang steht",
                      "des pièces sont comptées alors que l'entrée dit la machine à l'arrêt",
                      "se cuentan piezas aunque la entrada dice que la máquina está parada"),
    "internal": ("ein Fehler im Wächter selbst", "une erreur dans le gardien lui-même", "un error dentro del guardián"),
}  # fmt: skip

#: by the reason's code in the ledger; its number on the wire is its place in ACKNOWLEDGE_REASONS, from 1
ACKNOWLEDGEMENTS: dict[str, tuple[str, str, str]] = {
    "seen, will look": ("gesehen, wird geprüft", "vu, sera examiné", "visto, se revisará"),
    "cause found": ("Ursache gefunden", "cause trouvée", "causa encontrada"),
    "cause removed": ("Ursache beseitigt", "cause éliminée", "causa eliminada"),
    "false alarm": ("Fehlalarm", "fausse alarme", "falsa alarma"),
    "maintenance called": ("Instandhaltung gerufen", "maintenance appelée", "mantenimiento avisado"),
    "other": ("anderer Grund", "autre raison", "otro motivo"),
}

ENUMS: tuple[tuple[str, type[enum.IntEnum], dict[str, tuple[str, str, str, str]]], ...] = (
    ("state of the agent", State, STATES),
    ("state of the block", PlcState, PLC_STATES),
)
FAULT_TEXTS = {
    Fault.NONE: "none", Fault.WATCHDOG: "no accepted frame within the hold time",
    Fault.FORMAT: "frames of a wrong format until the hold time was over",
    Fault.CRC_RUN: "damaged frames until the hold time was over",
    Fault.SEQUENCE_GAP: "frames out of sequence until the hold time was over",
    Fault.WRONG_CONNECTION: "frames of another connection until the hold time was over",
    Fault.RELAY_FEEDBACK: "the output doesn't read back as written",
    Fault.MAP_DIGEST: "the register map isn't the one that was approved",
    Fault.RAISE_WITHOUT_PRESS: "a higher word came without a press",
}  # fmt: skip


def texts_of(plan: Plan) -> list[Text]:
    """Every text that a panel may have to show at this site, in the order of the lists and numbers."""
    rows = [Text("state of the agent", 0, "SILENT", *SILENT)]
    rows += [
        Text(name, int(value), value.name, *table[value.name]) for name, kind, table in ENUMS for value in kind
    ]  # fmt: skip
    rows += [
        Text("fault of the block", int(value), value.name, FAULT_TEXTS[value], *FAULTS[value.name])
        for value in Fault
    ]
    for each in registers.REASONS:
        known = REASONS.get(each.name)
        rows.append(
            Text("reason", each.number, each.name, each.text, *(known or (each.text,) * 3), known is not None)
        )
    for number, name in enumerate(ACKNOWLEDGE_REASONS, 1):
        said = ACKNOWLEDGEMENTS.get(name)
        rows.append(Text("acknowledge reason", number, name, name, *(said or (name,) * 3), said is not None))
    # the site wrote these in its own language; nobody here can say them in another
    rows += [Text("reason", each.reason, each.id, *(each.text,) * 4, False) for each in plan.causes]
    return rows
